"""The trace tool: calls with a duration, everything else as instants."""

from tools.trace import events

LINES = [
    "boot: ok cpus=1 memory=256MiB door=direct",
    "trace: cpu=0 time=1000 thread=7 event=1 number=3 value=16",
    "trace: cpu=0 time=4500 thread=7 event=2 number=0 value=0",
    "trace: cpu=1 time=5000 thread=8 event=3 number=48 value=0",
    "trace: cpu=0 time=6000 thread=7 event=1 number=99 value=1",
]


def test_a_call_and_its_return_become_one() -> None:
    call, interrupt, unfinished = events(LINES)
    assert (call["ph"], call["name"], call["ts"], call["dur"]) == ("X", "invoke", 1.0, 3.5)
    assert call["args"] == {"first": "0x10", "status": 0}
    assert (interrupt["ph"], interrupt["name"], interrupt["pid"]) == ("i", "interrupt 48", 1)
    assert (unfinished["ph"], unfinished["name"]) == ("i", "call 99")
