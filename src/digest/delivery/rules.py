"""How letters are sent, as the settings say."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo

from digest.delivery.limits import WarmUp


def never(_now: datetime) -> datetime | None:
    """No hour is quiet."""
    return None


@dataclass(frozen=True, kw_only=True)
class Rules:
    connections: int = 10
    resend: bool = False
    """What is uncertain is sent again; else it is held for the author."""
    give_up_after: timedelta = timedelta(hours=48)
    rate: float | None = None
    """Letters a second, of all workers together."""
    domain_rates: Mapping[str, float] = field(default_factory=dict)
    warm_up: WarmUp | None = None
    zone: tzinfo = UTC
    """Where the days of a warm-up begin."""
    quiet: Callable[[datetime], datetime | None] = never
    """Until when nothing may leave, or None."""
