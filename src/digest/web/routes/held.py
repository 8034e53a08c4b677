"""What is kept of one reader, as their own page shows it."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from digest.model import ServiceMailKind
from digest.store.people import Held, Side
from digest.subscribers import tokens
from digest.subscribers.tokens import Purpose
from digest.web.desk import Desk
from digest.web.reader_view import CameView, ChangeView, IssueView, MailView, ReaderView
from digest.web.routes.common import NotTaken

LONGEST_PAUSE = timedelta(days=366)
ERASE_WITHIN = timedelta(hours=1)
"""So long the button on the page that asks whether to erase is good."""


def today(desk: Desk) -> date:
    return _day(desk, desk.now)


def view(desk: Desk, id: int, token: str) -> ReaderView:
    """Raises NotTaken for who was erased meanwhile."""
    held = desk.store.people.show(id, desk.now)
    who = held.subscriber
    if who is None:
        raise NotTaken("erased")
    paused = who.paused_until and _day(desk, who.paused_until)
    return ReaderView(
        token=token,
        address=who.address,
        name=who.name,
        state=who.state,
        added_at=who.added_at,
        confirmed_at=who.confirmed_at,
        paused_until=paused if paused and paused > today(desk) else None,
        suppression=held.suppression.reason if held.suppression else None,
        consents=held.consents,
        issues=_issues(desk, held),
        came_back=tuple(CameView(kind=came.kind, at=came.at) for came in held.bounces),
        mails=tuple(
            MailView(kind=it.kind, outcome=it.state, at=it.at)
            for it in held.mails
            if it.kind is not ServiceMailKind.WELCOME
        ),
        change=_change(held),
        leave_token=tokens.make(desk.keys, Purpose.LEAVE, id),
        erase_token=tokens.make(desk.keys, Purpose.ERASE, id, ends=desk.now + ERASE_WITHIN),
        first_day=today(desk) + timedelta(days=1),
        last_day=today(desk) + LONGEST_PAUSE,
    )


def _issues(desk: Desk, held: Held) -> tuple[IssueView, ...]:
    """The newest first; a welcome stands with the issue that it was."""
    base = desk.publication.site.base
    found = [
        IssueView(
            number=it.issue,
            title=it.title,
            outcome="paused" if it.paused else it.state,
            href=f"{base}issues/{it.issue}/",
            at=it.at,
        )
        for it in held.issues
    ]
    found += [
        IssueView(
            number=it.issue, title=it.title, outcome="welcome", href=f"{base}issues/{it.issue}/", at=it.at
        )
        for it in held.mails
        if it.kind is ServiceMailKind.WELCOME and it.issue is not None
    ]
    return tuple(sorted(found, key=lambda it: it.number, reverse=True))


def _change(held: Held) -> ChangeView | None:
    if held.change is None:
        return None
    said = held.change.confirmed
    return ChangeView(new=held.change.address, at_old=Side.OLD in said, at_new=Side.NEW in said)


def _day(desk: Desk, moment: datetime) -> date:
    return moment.astimezone(ZoneInfo(desk.publication.site.timezone)).date()
