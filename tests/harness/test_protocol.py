"""A guest's test report counts only when it is whole and without a failed test."""

import pytest

from tests.harness.failures import ReportError
from tests.harness.protocol import check_report, read_report

GOOD = ["boot: ok", "test: plan 2", "test: ok a", "other words", "test: ok b/c.1", "test: end passed=2 failed=0"]


def test_whole_report_is_read() -> None:
    report = check_report(GOOD)
    assert (report.planned, report.passed, report.failed) == (2, ["a", "b/c.1"], {})


def test_failed_tests_are_told_with_their_reason() -> None:
    lines = ["test: plan 1", "test: fail a: 1 is not 2: no", "test: end passed=0 failed=1"]
    assert read_report(lines).failed == {"a": "1 is not 2: no"}
    with pytest.raises(ReportError, match="a: 1 is not 2: no"):
        check_report(lines)


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ([], "no test report"),
        (["boot: ok"], "no test report"),
        (GOOD[:-1], "no end"),
        (GOOD[2:], "does not begin with its plan"),
        ([*GOOD[:4], GOOD[5]], "the end counts 2 passed"),
        ([*GOOD[:4], "test: end passed=1 failed=0"], "2 tests were planned, 1 gave a result"),
        ([*GOOD[:3], GOOD[2], GOOD[5]], "two results for the test a"),
        ([*GOOD[:3], "test: okay b", GOOD[5]], "not a line of the test report"),
        ([*GOOD, "test: ok late"], "after the end"),
    ],
)
def test_broken_report_is_refused(lines: list[str], reason: str) -> None:
    with pytest.raises(ReportError, match=reason):
        check_report(lines)
