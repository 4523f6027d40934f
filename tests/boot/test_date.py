"""The loader's calendar against Python's."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from boot.core.real_time_clock import seconds_since_1970
from compiler.prelude import u64


@given(st.datetimes(datetime(2000, 1, 1), datetime(2099, 12, 31), timezones=st.just(UTC)))
def test_seconds_are_those_of_the_gregorian_calendar(moment: datetime) -> None:
    second_of_day = moment.hour * 3600 + moment.minute * 60 + moment.second
    found = seconds_since_1970(u64(moment.year), u64(moment.month), u64(moment.day), u64(second_of_day))
    assert found == int(moment.timestamp())
