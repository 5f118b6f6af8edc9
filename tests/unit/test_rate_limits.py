"""Rate limits as text, and the arithmetic of their sliding windows."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multipart_upload.domain.rate_limit import RateLimit, Unit, parse_rate_limit
from multipart_upload.domain.rate_window import RateWindow

MINUTE: Final = RateLimit(Unit.STARTS, 10, 60)


@pytest.mark.parametrize(
    ("text", "amount", "seconds"),
    [
        ("100/minute", 100, 60),
        (" 5 / Second ", 5, 1),
        ("20 per 2 hours", 20, 7200),
        ("1000/1day", 1000, 86_400),
    ],
)
def test_limit_is_parsed(text: str, amount: int, seconds: int) -> None:
    assert parse_rate_limit(Unit.URLS, text) == RateLimit(Unit.URLS, amount, seconds)


@pytest.mark.parametrize(
    "text", ["", "100", "0/minute", "-1/minute", "1/fortnight", "1/minute;2/hour", "5perminute"]
)
def test_wrong_limit_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="100/minute"):
        parse_rate_limit(Unit.URLS, text)


def test_units_of_the_window_before_count_in_proportion() -> None:
    window = RateWindow(MINUTE, previous=10, current=2, seconds_left=30.0)

    assert window.remaining == 3
    assert window.wait_for(3) == 0
    # 4.8 of the ten count with 29 seconds left.
    assert window.wait_for(4) == 1


def test_full_window_must_end_before_its_first_unit_is_free() -> None:
    window = RateWindow(MINUTE, previous=0, current=10, seconds_left=30.5)

    assert window.remaining == 0
    assert window.wait_for(1) == 31
    assert window.usage().reset_seconds == 31


def test_unused_limit_is_not_waited_for() -> None:
    usage = RateWindow(MINUTE, previous=0, current=0, seconds_left=60.0).usage()

    assert (usage.remaining, usage.reset_seconds) == (10, 0)


@given(
    previous=st.integers(0, 10),
    current=st.integers(0, 10),
    left=st.integers(1, 60),
    units=st.integers(1, 10),
)
def test_wait_is_exactly_as_long_as_needed(
    previous: int, current: int, left: int, units: int
) -> None:
    window = RateWindow(MINUTE, previous, current, float(left))
    wait = window.wait_for(units)

    assert pass_time(window, wait).remaining >= units
    assert wait == 0 or pass_time(window, wait - 1).remaining < units


def pass_time(window: RateWindow, seconds: int) -> RateWindow:
    """Return the window after some time without use, as the library moves it."""
    left = window.seconds_left - seconds
    if left > 0:
        return replace(window, seconds_left=left)
    return RateWindow(window.limit, window.current, 0, left + window.limit.seconds)
