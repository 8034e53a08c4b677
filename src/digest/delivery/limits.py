"""How fast letters may leave: token buckets for the relay and for domains, and a warm-up by days (pure).

Times are seconds of any clock that only goes forward.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

SLOWEST = 0.2
"""Letters a second below which a server that asks us to slow down is not obeyed: one every five seconds."""

RECOVERY = 60.0
"""Seconds after which a pace that was halved grows by a half again."""


@dataclass(slots=True)
class Bucket:
    """Lets `rate` letters a second through, and after a rest a tenth of a second's worth at once."""

    rate: float
    tokens: float = 1.0
    at: float = 0.0

    def wait(self, now: float) -> float:
        """Seconds until a letter may leave; 0 where one may now."""
        self.tokens = min(max(1.0, self.rate / 10), self.tokens + (now - self.at) * self.rate)
        self.at = now
        return max(0.0, (1.0 - self.tokens) / self.rate)

    def take(self) -> None:
        self.tokens -= 1.0


@dataclass(slots=True)
class Limits:
    """The pace of one worker: its share of the relay's rate, of each domain's, and what servers asked for."""

    rate: float | None = None
    domain_rates: Mapping[str, float] = field(default_factory=dict)
    workers: int = 1
    _relay: Bucket | None = None
    _domains: dict[str, Bucket] = field(default_factory=dict)
    _slowed: float | None = None
    _slowed_at: float = 0.0

    @property
    def any(self) -> bool:
        return self.rate is not None or bool(self.domain_rates) or self._slowed is not None

    def wait(self, now: float) -> float:
        """Seconds until the relay may get a letter."""
        pace = self._pace(now)
        if pace is None:
            return 0.0
        if self._relay is None:
            self._relay = Bucket(pace, at=now)
        self._relay.rate = pace
        return self._relay.wait(now)

    def domain_wait(self, domain: str, now: float) -> float:
        """Seconds until a reader of this domain may get a letter."""
        rate = self.domain_rates.get(domain)
        if rate is None:
            return 0.0
        bucket = self._domains.setdefault(domain, Bucket(rate / self.workers, at=now))
        bucket.rate = rate / self.workers
        return bucket.wait(now)

    def take(self, domain: str, now: float) -> None:
        if self._relay is not None:
            self._relay.take()
        if domain in self._domains:
            self._domains[domain].take()

    def slow_down(self, now: float, pace: float) -> None:
        """A server asked for it (RFC 3463: 4.3.x, 4.7.x; RFC 5321: 421, 452): half the pace of now.

        `pace` is how many letters a second have left of late.
        """
        if now - self._slowed_at < 1.0 and self._slowed is not None:
            return  # a crowd of answers to one crowd of letters
        self._slowed, self._slowed_at = max(SLOWEST, min(pace, self._pace(now) or pace) / 2), now

    def _pace(self, now: float) -> float | None:
        rate = None if self.rate is None else self.rate / self.workers
        if self._slowed is None:
            return rate
        while now - self._slowed_at > RECOVERY:
            self._slowed, self._slowed_at = self._slowed * 1.5, self._slowed_at + RECOVERY
        if self._slowed > (rate or 1000.0):
            self._slowed = None
            return rate
        return self._slowed


@dataclass(frozen=True, kw_only=True, slots=True)
class WarmUp:
    """A new sending domain: `first` letters on its first day, and each day `growth` times as many."""

    begins: date
    first: int
    growth: float
    until: int

    def allowance(self, day: date) -> int | None:
        """How many letters that day may have; None where there is no limit any more."""
        days = (day - self.begins).days
        if days < 0:
            return 0
        allowed = self.first * self.growth ** min(days, 400)
        return None if allowed >= self.until else int(allowed)
