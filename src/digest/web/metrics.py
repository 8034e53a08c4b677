"""What a watching program is told: `/healthz` for whoever restarts us, `/metrics` for Prometheus.

Both are functions of settings, store and clock; who may ask is the route's matter. What takes long to count
at a million readers is counted once a minute (`Watch`), and says when. Names and units follow Prometheus's
advice: seconds, bytes and unix times, and a sum's parts as labels. No reader can be recognised in any figure.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from threading import Lock

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

import digest
from digest import schedule
from digest.errors import DigestError
from digest.model import Accounting, IssueState, Newsletter, Slot
from digest.settings import Settings
from digest.store import Store
from digest.store.feed_readers import Followed
from digest.store.figures import Now, Queue, Totals

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

COUNTED_EVERY = timedelta(minutes=1)

_OUTCOMES = ("accepted", "refused", "suppressed", "uncertain", "waiting")
_CAME_BACK = ("bounced", "complained")


# -------------------------------------------------------------------------------------------- healthz


@dataclass(frozen=True, kw_only=True, slots=True)
class Health:
    """The answer of /healthz: `status` is an HTTP status, `body` JSON."""

    status: int
    body: bytes


def health(store: Store, site: Path) -> Health:
    """200 where the store can be read and the built site is there, else 503; each part says how it is."""
    parts = {"store": _store_is(store), "site": _site_is(site)}
    well = all(word == "ok" for word in parts.values())
    document = {"status": "ok" if well else "trouble", **parts}
    return Health(status=200 if well else 503, body=json.dumps(document).encode() + b"\n")


def _store_is(store: Store) -> str:
    """Its trouble stands in the log: here it could name a server or a path to strangers."""
    try:
        store.check()
    except DigestError:
        return "cannot be read"
    return "ok"


def _site_is(site: Path) -> str:
    return "ok" if (site / "index.html").is_file() else "not built"


# -------------------------------------------------------------------------------------------- metrics


class Watch:
    """Remembers what is counted once a minute. It may be asked from several threads at once."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._totals: Totals | None = None

    def metrics(self, settings: Settings, store: Store, now: datetime) -> bytes:
        """The exposition, in UTF-8, of `CONTENT_TYPE`. Raises StoreError."""
        return exposition(settings, store, now, self._counted(store, now))

    def _counted(self, store: Store, now: datetime) -> Totals:
        """A clock that is set back counts anew, so that no figure stands still until it has caught up."""
        with self._lock:
            known = self._totals
            if known is None or not timedelta() <= now - known.at < COUNTED_EVERY:
                known = self._totals = store.figures.totals(now)
            return known


def exposition(settings: Settings, store: Store, now: datetime, totals: Totals) -> bytes:
    """Everything that is watched, as text for Prometheus."""
    found = store.figures.now(now)
    next_cutoff, next_sending = due(settings, store, now, found)
    families = [
        _gauge("digest_version", "Which digest this is.", {(digest.__version__,): 1}, "version"),
        *_of_issues(found, totals, now),
        _time("digest_next_issue", "When the next issue is to go out; it may have passed.", next_sending),
        _time("digest_next_cutoff", "When the next issue is cut.", next_cutoff),
        *_of_readers(found, totals, now),
        *_of_service_mails(found, totals, now),
        *_of_feeds(found, store.feed_readers.counted(now), now),
        _gauge("digest_notices_open", "Notices that wait for their author.", {(): found.notices}),
        _time("digest_counted", "When readers and deliveries were counted last.", totals.at),
    ]
    registry = CollectorRegistry()
    registry.register(_Families(families))
    return generate_latest(registry)


def due(
    settings: Settings, store: Store, now: datetime, found: Now
) -> tuple[datetime | None, datetime | None]:
    """When an issue is next cut, and when one is next to go out; what was cut and has not begun is first."""
    newsletter = settings.newsletter
    if newsletter is None:
        return None, None
    slot = _next_slot(newsletter, store, now)
    sendings = [it for it in (found.ahead, slot.sends if slot else None) if it is not None]
    return slot.cutoff if slot else None, min(sendings, default=None)


def _next_slot(newsletter: Newsletter, store: Store, now: datetime) -> Slot | None:
    """One whose cutoff has come and that nobody has cut is next, however late it is."""
    last, skipped = store.last_slot(), {it.day for it in store.slots.skipped()}
    if late := schedule.due(newsletter, last, now, skipped):
        return late
    return next(iter(schedule.upcoming(newsletter, last, now, 1, skipped)), None)


# ------------------------------------------------------------------------------------- by what is watched


def _of_issues(found: Now, totals: Totals, now: datetime) -> Iterator[GaugeMetricFamily]:
    sums = {it.number: totals.sums.get(it.number, Accounting()) for it in found.watched}
    yield _gauge(
        "digest_deliveries",
        "Readers of the issues on their way and of the last one, by what became of their mail.",
        {(str(number), name): getattr(sum, name) for number, sum in sums.items() for name in _OUTCOMES},
        "issue",
        "outcome",
    )
    yield _gauge(
        "digest_deliveries_came_back",
        "Of those accepted, how many came back.",
        {
            (str(number), kind): getattr(sum, kind)
            for number, sum in sums.items()
            for kind in ("bounced", "complained")
        },
        "issue",
        "kind",
    )
    yield _gauge(
        "digest_issue_state",
        "How each of these issues stands.",
        {(str(it.number), it.state.value): 1 for it in found.watched},
        "issue",
        "state",
    )
    waiting = [
        it.started_at
        for it in found.watched
        if it.started_at and it.state is IssueState.SENDING and sums[it.number].waiting
    ]
    yield _gauge(
        "digest_oldest_waiting_delivery_age_seconds",
        "How long the delivery that has waited longest has waited; 0 where none waits.",
        {(): _age(min(waiting, default=None), now)},
    )


def _of_readers(found: Now, totals: Totals, now: datetime) -> Iterator[GaugeMetricFamily]:
    yield _gauge(
        "digest_subscribers",
        "Subscribers by state.",
        {(state.value,): count for state, count in totals.readers.items()},
        "state",
    )
    yield _gauge(
        "digest_suppressed_addresses",
        "Addresses that are never mailed, by reason.",
        {(reason.value,): count for reason, count in totals.suppressed.items()},
        "reason",
    )
    yield _gauge(
        "digest_sign_ups_day",
        "In the last 24 hours: forms that were taken, readers who confirmed.",
        {("taken",): found.taken, ("confirmed",): totals.confirmed},
        "step",
    )
    yield from _queue("digest_sign_ups", "sign-up that is not settled", found.forms, now)


def _of_service_mails(found: Now, totals: Totals, now: datetime) -> Iterator[GaugeMetricFamily]:
    yield _gauge(
        "digest_service_mails",
        "Mails that answer readers, of the last 30 days, by what became of them.",
        {(state,): count for state, count in sorted(totals.service_mails.items())},
        "state",
    )
    yield from _queue("digest_service_mails", "mail that answers a reader", found.service_queue, now)


def _of_feeds(found: Now, followed: Iterable[Followed], now: datetime) -> Iterator[GaugeMetricFamily]:
    yield _gauge(
        "digest_feed_readers",
        "Readers of each feed by the word of aggregators.",
        {(it.path,): it.readers for it in followed},
        "feed",
    )
    yield from _queue("digest_hub_pings", "feed that the hub is to hear of", found.pings, now)


# ------------------------------------------------------------------------------------------- in its form


class _Families(Collector):
    """Figures that were read already, for a registry of their own: nothing of ours lives in the process."""

    def __init__(self, families: list[GaugeMetricFamily]) -> None:
        self._families = families

    def collect(self) -> list[GaugeMetricFamily]:
        return self._families


def _gauge(
    name: str, means: str, samples: Mapping[tuple[str, ...], float], *labels: str
) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, means, labels=labels)
    for values, figure in samples.items():
        family.add_metric(values, figure)
    return family


def _queue(name: str, one: str, queue: Queue, now: datetime) -> Iterator[GaugeMetricFamily]:
    yield _gauge(f"{name}_waiting", f"How many wait: each a {one}.", {(): queue.waiting})
    oldest: dict[tuple[str, ...], float] = {(): _age(queue.oldest, now)}
    yield _gauge(f"{name}_oldest_age_seconds", "How long the oldest has waited; 0 where none waits.", oldest)


def _time(name: str, means: str, at: datetime | None) -> GaugeMetricFamily:
    """A unix time; without a sample where there is none, so that no rule compares with 1970."""
    return _gauge(f"{name}_timestamp_seconds", means, {} if at is None else {(): at.timestamp()})


def _age(since: datetime | None, now: datetime) -> float:
    return 0.0 if since is None else max(0.0, (now - since).total_seconds())
