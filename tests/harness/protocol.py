"""The report that a guest prints about its own tests, and its judgement.

    test: plan 3
    test: ok NAME
    test: fail NAME: why
    test: end passed=2 failed=1

Owns: the form of these lines on the host's side. A report counts only when it is whole: the plan first, one result for
each planned test, each name once, and an end whose numbers agree. Other lines may stand between.
"""

import re
from dataclasses import dataclass, field

from tests.harness.failures import ReportError

PREFIX = "test: "
END = re.compile(r"^test: end passed=(\d+) failed=(\d+)$")
_PLAN = re.compile(r"^test: plan (\d+)$")
_OK = re.compile(r"^test: ok ([\w./-]+)$")
_FAIL = re.compile(r"^test: fail ([\w./-]+): (.+)$")


@dataclass
class Report:
    """What the guest said: names that passed, and names that failed with the reason."""

    planned: int
    passed: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)


def read_report(lines: list[str]) -> Report:
    """The report among the lines of a serial log. Errors: ReportError when it is not whole."""
    report: Report | None = None
    ended = False
    for line in filter(lambda line: line.startswith(PREFIX), lines):
        if ended:
            raise ReportError(f"a line after the end of the report: {line}", lines)
        if report is None:
            plan = _PLAN.match(line)
            if plan is None:
                raise ReportError(f"the report does not begin with its plan (`test: plan N`) but with: {line}", lines)
            report = Report(int(plan[1]))
        elif end := END.match(line):
            _check_end(report, int(end[1]), int(end[2]), lines)
            ended = True
        else:
            _take_result(report, line, lines)
    if report is None:
        raise ReportError("the guest printed no test report", lines)
    if not ended:
        raise ReportError("the test report has no end: the guest stopped in the middle", lines)
    return report


def check_report(lines: list[str]) -> Report:
    """The report, whole and without a failed test. Errors: ReportError."""
    report = read_report(lines)
    if report.failed:
        told = "; ".join(f"{name}: {reason}" for name, reason in report.failed.items())
        raise ReportError(f"{len(report.failed)} of {report.planned} guest tests failed: {told}", lines)
    return report


def _take_result(report: Report, line: str, lines: list[str]) -> None:
    if ok := _OK.match(line):
        name = ok[1]
    elif fail := _FAIL.match(line):
        name = fail[1]
    else:
        raise ReportError(f"not a line of the test report: {line}", lines)
    if name in report.passed or name in report.failed:
        raise ReportError(f"two results for the test {name}", lines)
    if ok:
        report.passed.append(name)
    else:
        report.failed[name] = line.split(": ", 2)[2]


def _check_end(report: Report, passed: int, failed: int, lines: list[str]) -> None:
    seen = (len(report.passed), len(report.failed))
    if seen != (passed, failed):
        told = f"the end counts {passed} passed, {failed} failed; the results say {seen[0]}, {seen[1]}"
        raise ReportError(told, lines)
    if sum(seen) != report.planned:
        raise ReportError(f"{report.planned} tests were planned, {sum(seen)} gave a result", lines)
