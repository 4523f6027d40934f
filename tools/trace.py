"""Turns the trace lines of a serial log into a file for chrome://tracing or ui.perfetto.dev.

    python -m tools.trace serial.log > trace.json

Owns: the form of the lines that programs print for their trace records (`trace: cpu=0 time=1 thread=2 event=1 ...`).
"""

import json
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from kernel.abi.syscall import Call
from kernel.abi.trace import TraceEvent

LINE = re.compile(r"^trace: cpu=(\d+) time=(\d+) thread=(\d+) event=(\d+) number=(\d+) value=(\d+)$")
NS_PER_US = 1000


def events(lines: Iterable[str]) -> list[dict[str, Any]]:
    """One event for each line; a call and its return become one with a duration where both are there."""
    found: list[dict[str, Any]] = []
    open_calls: dict[tuple[int, int], dict[str, Any]] = {}
    for match in filter(None, map(LINE.match, lines)):
        cpu, time, thread, kind, number, value = map(int, match.groups())
        base = {"pid": cpu, "tid": thread, "ts": time / NS_PER_US}
        if kind == TraceEvent.CALL:
            name = Call(number).name.lower() if number in set(Call) else f"call {number}"
            event = {**base, "ph": "i", "s": "t", "name": name, "args": {"first": hex(value)}}
            open_calls[cpu, thread] = event
        elif kind == TraceEvent.RETURN:
            begun = open_calls.pop((cpu, thread), None)
            if begun is not None:
                del begun["s"]
                begun |= {"ph": "X", "dur": base["ts"] - begun["ts"]}
                begun["args"]["status"] = value
            continue
        else:
            name = TraceEvent(kind).name.lower()
            event = {**base, "ph": "i", "s": "t", "name": f"{name} {number}", "args": {"value": hex(value)}}
        found.append(event)
    return found


def main(words: list[str]) -> int:
    if len(words) != 1:
        print("usage: python -m tools.trace SERIAL-LOG > trace.json", file=sys.stderr)
        return 2
    lines = Path(words[0]).read_text(errors="replace").splitlines()
    json.dump({"traceEvents": events(lines), "displayTimeUnit": "ns"}, sys.stdout, indent=1)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
