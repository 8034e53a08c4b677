"""How fast letters leave: buckets, what servers ask for, and the warm-up of a new domain."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.delivery.limits import RECOVERY, SLOWEST, Limits, WarmUp


def leaving(limits: Limits, seconds: float, *, domain: str = "example.org", begins: float = 0.0) -> int:
    """How many letters leave in so many seconds when there are always more."""
    now, count = begins, 0
    while now < begins + seconds:
        wait = max(limits.wait(now), limits.domain_wait(domain, now))
        if wait > 1e-9:
            now += wait
            continue
        limits.take(domain, now)
        count += 1
        now += 1e-6
    return count


@given(st.floats(0.5, 200), st.floats(5, 60))
def test_no_more_leaves_than_the_rate_allows_and_little_less(rate: float, seconds: float) -> None:
    count = leaving(Limits(rate=rate), seconds)
    assert count <= rate * seconds + max(1, rate / 10) + 1
    assert count >= rate * seconds - 2


def test_a_domain_has_its_own_rate_and_others_do_not_wait_for_it() -> None:
    limits = Limits(domain_rates={"slow.example.org": 2.0})
    assert leaving(limits, 10, domain="slow.example.org") <= 22
    assert limits.domain_wait("example.org", 10) == 0


def test_workers_share_the_rate() -> None:
    assert leaving(Limits(rate=20.0, workers=4), 10) <= 52


def test_without_limits_nothing_waits() -> None:
    limits = Limits()
    assert not limits.any
    assert limits.wait(0) == 0


def test_a_server_that_asks_for_patience_gets_half_the_pace() -> None:
    limits = Limits(rate=100.0)
    leaving(limits, 5)
    limits.slow_down(5, 100.0)
    assert leaving(limits, 10, begins=5) <= 510


def test_without_a_rate_it_is_half_the_pace_that_letters_had() -> None:
    limits = Limits()
    limits.slow_down(0, 80.0)
    assert 380 <= leaving(limits, 10) <= 420


def test_many_answers_of_one_moment_halve_the_pace_once() -> None:
    limits = Limits(rate=100.0)
    for _ in range(50):
        limits.slow_down(10, 100.0)
    assert leaving(limits, 10, begins=10) >= 450


def test_a_pace_that_was_halved_recovers_and_never_dies() -> None:
    limits = Limits(rate=1.0)
    for second in range(0, 40, 2):
        limits.slow_down(second, 1.0)
    assert limits.wait(40) <= 1 / SLOWEST
    assert leaving(limits, 10, begins=40 + 6 * RECOVERY) >= 8


@pytest.mark.parametrize(("day", "allowed"), [(-1, 0), (0, 200), (1, 300), (2, 450), (5, 1518)])
def test_a_warm_up_grows_day_by_day(day: int, allowed: int) -> None:
    plan = WarmUp(begins=date(2026, 11, 1), first=200, growth=1.5, until=100_000)
    assert plan.allowance(date(2026, 11, 1) + timedelta(days=day)) == allowed


def test_a_warm_up_ends() -> None:
    plan = WarmUp(begins=date(2026, 11, 1), first=200, growth=1.5, until=1000)
    assert plan.allowance(date(2026, 11, 6)) is None
    assert plan.allowance(date(2036, 11, 6)) is None
