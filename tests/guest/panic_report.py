"""Reads a panic report: one begun by `panic: ` and ended by `panic: end`."""

import re
from dataclasses import dataclass

_FRAME = re.compile(r"^  #(\d+) (0x[0-9a-f]{16}) (\S+?)\+0x[0-9a-f]+(?: (\S+):(\d+))?(?: \((\d+) times\))?$")
_CPU = re.compile(r"^  cpu (\d+) (.+)$")
_PAIR = re.compile(r"(\w+)=(.+?)(?= \w+=|$)")


@dataclass
class PanicReport:
    message: str
    place: str
    values: dict[str, str]
    callers: list[tuple[str, str, int]]     # function, file, line
    cpus: dict[int, str]
    nested: list[str]
    action: str


def read_panic_report(lines: list[str]) -> PanicReport:
    """The one report among the lines of a serial log; anything but exactly one whole report is an error."""
    begins = [index for index, line in enumerate(lines) if line.startswith("panic: ") and line != "panic: end"]
    ends = [index for index, line in enumerate(lines) if line == "panic: end"]
    assert len(begins) == 1 and len(ends) == 1 and begins[0] < ends[0], "not exactly one whole report"
    body = lines[begins[0] + 1 : ends[0]]
    assert all(line.startswith("  ") for line in body), body
    report = PanicReport(lines[begins[0]].removeprefix("panic: "), body[0].removeprefix("  at "), {}, [], {}, [], "")
    for line in body[1:]:
        if frame := _FRAME.match(line):
            assert int(frame[1]) == len(report.callers)
            report.callers.append((frame[3], frame[4] or "", int(frame[5] or 0)))
        elif cpu := _CPU.match(line):
            report.cpus[int(cpu[1])] = cpu[2]
        elif line.startswith("  panic inside this report: "):
            report.nested.append(line.removeprefix("  panic inside this report: "))
        elif line.startswith("  then "):
            report.action = line.removeprefix("  then ")
        else:
            report.values |= dict(_PAIR.findall(line))
    return report
