"""The ways in which a guest fails, each an exception that carries the end of the serial log."""

TAIL_LINES = 25


class GuestFailure(Exception):
    """Base of all; `reason` says in words what went wrong."""

    def __init__(self, reason: str, lines: list[str]) -> None:
        tail = [f"    {line}" for line in lines[-TAIL_LINES:]]
        shown = ["serial line, its end:", *tail] if tail else ["serial line: nothing was printed"]
        super().__init__("\n".join([reason, *shown]))
        self.reason = reason


class GuestHang(GuestFailure):
    """What was waited for did not come before the deadline."""


class GuestPanic(GuestFailure):
    """The kernel printed a panic report, or the loader why it cannot go on."""


class GuestReset(GuestFailure):
    """The machine reset itself: a triple fault, or a reboot that nobody expected."""


class GuestEnded(GuestFailure):
    """QEMU ended too early, or with the wrong exit status."""


class ReportError(GuestFailure):
    """The guest's test report has a failed test, or has not its form."""
