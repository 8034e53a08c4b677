"""Every page for readers with sample values: for the tests of headers, of looks and of accessibility."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

from builders import newsletter

from digest.model import (
    CameBack,
    Consent,
    ConsentAct,
    DeliveryState,
    Site,
    SubscriberState,
    SuppressionReason,
)
from digest.theme import Theme
from digest.web.pages import Pages
from digest.web.reader_view import CameView, ChangeView, IssueView, ReaderView

SITE = Site(
    title="Remission Weekly",
    url="https://remission.example.org",
    author="The editors",
    timezone="Europe/London",
    disclaimer="Remission Weekly reports research in short. It is not medical advice.",
    corrections_to="corrections@remission.example.org",
)
ADDRESS = "reader-17@example.org"
NEW_ADDRESS = "reader-17.new@example.net"
TOKEN = "cei5xq4r7q3zjv2kq2w5xq4r7q"
READER_URL = f"{SITE.base}reader/{TOKEN}"
NOW = datetime(2026, 11, 25, 21, 0, tzinfo=UTC)


def pages(theme: Theme | None = None, **changes: object) -> Pages:
    """The pages of a small publication."""
    return Pages(theme or Theme(timezone=SITE.timezone), SITE, newsletter(), **changes)  # type: ignore[arg-type]


def reader(**changes: object) -> ReaderView:
    """Reader 17, who confirmed ten weeks ago and got every issue since."""
    added = NOW - timedelta(days=70)
    ordinary: dict[str, object] = {
        "token": TOKEN,
        "address": ADDRESS,
        "name": "Reader Seventeen",
        "state": SubscriberState.CONFIRMED,
        "added_at": added,
        "confirmed_at": added + timedelta(minutes=4),
        "leave_token": TOKEN,
        "erase_token": TOKEN,
        "first_day": date(2026, 11, 26),
        "last_day": date(2027, 11, 25),
        "consents": (
            Consent(
                at=added,
                act=ConsentAct.SIGNED_UP,
                how="form",
                words=pages().consent_words("en"),
            ),
            Consent(at=added + timedelta(minutes=4), act=ConsentAct.CONFIRMED, how="link in the mail"),
        ),
        "issues": tuple(
            IssueView(
                number=number,
                title=f"What was found in week {number}",
                href=f"{SITE.base}issues/{number}/",
                outcome=outcome,
                at=added + timedelta(days=7 * number),
            )
            for number, outcome in reversed(
                list(enumerate(["welcome", DeliveryState.ACCEPTED, "paused", *DeliveryState], 1))
            )
        ),
        "came_back": (CameView(kind=CameBack.TRANSIENT, at=NOW - timedelta(days=20)),),
    }
    return ReaderView(**{**ordinary, **changes})  # type: ignore[arg-type]


def every_page(of: Pages, language: str) -> Iterator[tuple[str, str]]:
    """The name of each page and its HTML, in one language."""
    yield "subscribe", of.subscribe(language)
    yield "subscribe-problem", of.subscribe(language, address="reader-17", problem="not an address")
    yield "one-more-step", of.one_more_step(language, address=ADDRESS, ticket="1k7f", seconds=20)
    yield "asked", of.asked(language)
    yield "later", of.come_back_later(language, minutes=20, why="network")
    yield "later-all", of.come_back_later(language, minutes=1, why="all")
    yield "confirm", of.confirm(language, address=ADDRESS, token=TOKEN)
    next_issue = datetime(2026, 11, 27, 7, 0, tzinfo=UTC)
    yield (
        "confirmed",
        of.confirmed(language, address=ADDRESS, welcome=True, next_issue=next_issue, reader_url=READER_URL),
    )
    again = of.confirmed(
        language, address=ADDRESS, welcome=False, next_issue=None, reader_url=READER_URL, already=True
    )
    yield "confirmed-already", again
    yield "leave", of.leave(language, address=ADDRESS, token=TOKEN)
    yield "left", of.left(language, address=ADDRESS, return_token=TOKEN, already=False)
    yield "left-already", of.left(language, address=ADDRESS, return_token=TOKEN, already=True)
    yield "left-long-ago", of.left(language, address=ADDRESS, return_token="", already=True)
    yield "returned", of.returned(language, address=ADDRESS)
    yield from _readers(of, language)
    yield "erase", of.erase(language, address=ADDRESS, token=TOKEN, reader_url=READER_URL)
    yield "erased", of.erased(language)
    yield "change-asked", of.change_asked(language, old=ADDRESS, new=NEW_ADDRESS)
    yield (
        "change-confirm",
        of.change_confirm(language, old=ADDRESS, new=NEW_ADDRESS, token=TOKEN, here="new"),
    )
    yield "change-half", of.change_half(language, old=ADDRESS, new=NEW_ADDRESS, here="new")
    yield "changed", of.changed(language, new=NEW_ADDRESS, reader_url=READER_URL)
    yield "refused-too-old", of.refused(language, why="too old")
    yield "refused-not-ours", of.refused(language, why="not ours")
    yield "refused-erased", of.refused(language, why="erased")
    for status in (400, 404, 405, 408, 413, 429, 500, 503):
        number = "0badcafe" if status == 500 else ""
        yield f"trouble-{status}", of.trouble(language, status=status, number=number)
    yield "embed", of.embed(language)


def _readers(of: Pages, language: str) -> Iterator[tuple[str, str]]:
    yield "reader", of.reader(language, reader=reader())
    yield "reader-paused", of.reader(language, reader=reader(paused_until=date(2026, 12, 24)), did="paused")
    yield (
        "reader-moving",
        of.reader(
            language,
            reader=reader(change=ChangeView(new=NEW_ADDRESS, at_new=True), issues=(), consents=()),
            problem="same address",
        ),
    )
    yield (
        "reader-left",
        of.reader(
            language,
            reader=reader(state=SubscriberState.LEFT, suppression=SuppressionReason.UNSUBSCRIBED, name=""),
        ),
    )
