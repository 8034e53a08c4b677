"""Issues: cut once, whole; approved by the hash of what is sent; read by the site and by delivery."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from digest.collect import carried_by, text_hash, told_in
from digest.errors import StoreError
from digest.model import (
    Card,
    Correction,
    Email,
    Fate,
    Issue,
    IssueCard,
    IssueState,
    Link,
    Post,
    PostRole,
    Slot,
    SlotFate,
)
from digest.store import slots
from digest.store.database import alone
from digest.store.schema import issue, issue_post, post, told_correction

SHORTEST_HASH = 8
"""So many characters of a hash are enough to name what is approved."""

_IN_PUBLIC = (IssueState.APPROVED, IssueState.SENDING, IssueState.SENT)


class AlreadyCut(StoreError):
    """The number, the slot or a post is in an issue that another run has cut."""


@dataclass(frozen=True, kw_only=True, slots=True)
class IssuePost:
    """A post as an issue carried it. `post_id` follows a renamed file; the rest stays as it was mailed."""

    post_id: str
    role: PostRole
    content_hash: str
    title: str
    path: str
    lead: str


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredIssue:
    """An issue that was cut. What `hash` covers is what is sent, byte for byte."""

    number: int
    state: IssueState
    slot: Slot
    cut_at: datetime
    approved_at: datetime | None
    """When its author last said that it may go: by approving it, or by resuming it."""
    email: Email
    hash: str
    posts: tuple[IssuePost, ...]
    """In reading order, the intro first where there is one; empty once the cut was undone."""
    started_at: datetime | None = None
    """When its audience was frozen and its sending began."""
    ended_at: datetime | None = None
    held_from: IssueState | None = None
    """What a held issue is again once it is resumed."""
    reason: str = ""
    """Why it is held, skipped, cancelled or failed."""

    @property
    def card(self) -> IssueCard:
        """What the site's lists and the issue feeds show."""
        return IssueCard(
            number=self.number,
            path=f"issues/{self.number}/",
            title=self.email.subject,
            lead=self.email.summary,
            published=min(self.slot.sends, self.started_at or self.slot.sends),
            posts=tuple(
                Link(title=it.title, url=it.path, note=it.lead)
                for it in self.posts
                if it.role is PostRole.POST
            ),
        )


def issue_hash(email: Email) -> str:
    """SHA-256 (64 hexadecimal digits) over subject, HTML and text as one JSON array in UTF-8."""
    whole = json.dumps([email.subject, email.html, email.text], ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(whole.encode()).hexdigest()


def is_frozen(stored: StoredIssue) -> bool:
    """Whether subject, HTML and text are, byte for byte, what the hash names."""
    return issue_hash(stored.email) == stored.hash


# ------------------------------------------------------------------------------------------- reading


def next_number(connection: sa.Connection) -> int:
    return (connection.scalar(sa.select(sa.func.max(issue.c.number))) or 0) + 1


def find(connection: sa.Connection, number: int) -> StoredIssue:
    if found := select(connection, issue.c.number == number):
        return found[0]
    raise StoreError(f"there is no issue {number}", cure="`digest plan` shows what comes next")


def published(connection: sa.Connection, now: datetime) -> list[StoredIssue]:
    """What was on its way once stays, held or cancelled though it be: readers have its links."""
    in_time = sa.and_(issue.c.state.in_([it.value for it in _IN_PUBLIC]), issue.c.sends <= now)
    return select(connection, sa.or_(issue.c.started_at <= now, in_time))


def select(connection: sa.Connection, *conditions: sa.ColumnElement[bool]) -> list[StoredIssue]:
    rows = connection.execute(sa.select(issue).where(*conditions).order_by(issue.c.number)).all()
    carried: dict[int, list[IssuePost]] = {}
    order = (issue_post.c.issue, issue_post.c.place)
    for row in connection.execute(sa.select(issue_post).join(issue).where(*conditions).order_by(*order)):
        carried.setdefault(row.issue, []).append(_issue_post(row))
    return [_stored(row, carried.get(row.number, ())) for row in rows]


def slot_of(row: Any) -> Slot:
    """Issues that were cut before slots had a local date have that of UTC."""
    day = date.fromisoformat(row.local_date) if row.local_date else row.sends.date()
    return Slot(cutoff=row.cutoff, sends=row.sends, day=day)


def _issue_post(row: sa.Row[Any]) -> IssuePost:
    return IssuePost(
        post_id=row.post,
        role=PostRole(row.role),
        content_hash=row.content_hash,
        title=row.title,
        path=row.path,
        lead=row.lead,
    )


def _stored(row: sa.Row[Any], posts: Sequence[IssuePost]) -> StoredIssue:
    return StoredIssue(
        number=row.number,
        state=IssueState(row.state),
        slot=slot_of(row),
        cut_at=row.cut_at,
        approved_at=row.approved_at,
        started_at=row.started_at,
        ended_at=row.ended_at,
        held_from=IssueState(row.held_from) if row.held_from else None,
        reason=row.reason or "",
        email=Email(
            subject=row.subject,
            html=row.html,
            text=row.text,
            summary=row.summary,
            shortened=tuple(row.shortened),
        ),
        hash=row.hash,
        posts=tuple(posts),
    )


# ------------------------------------------------------------------------------------------- cutting


def cut(connection: sa.Connection, made: Issue, email: Email, cards: Iterable[Card], now: datetime) -> None:
    """Everything that makes an issue; the caller's transaction makes it whole."""
    alone(connection)
    _refuse_second(connection, made)
    connection.execute(sa.insert(issue), _issue_row(made, email, now))
    slots.take(connection, made.slot, made.number, now)
    by_id = {card.id: card for card in cards}
    first = 0 if made.intro else 1
    for place, carried in enumerate(carried_by(made), start=first):
        _carry(connection, made, carried)
        connection.execute(sa.insert(issue_post), _post_row(made, place, carried, by_id))
    for post_id, correction in _told_by(made):
        connection.execute(sa.insert(told_correction), _told_row(made, post_id, correction))


def _refuse_second(connection: sa.Connection, made: Issue) -> None:
    taken = slots.taken(connection, made.slot)
    if taken and taken.fate is not SlotFate.CUT:
        cure = "`digest plan` shows the next one"
        raise AlreadyCut(f"the slot of {taken.slot.day} is {taken.fate.value}, so it has no issue", cure=cure)
    same = issue.c.number == (taken.issue if taken else made.number)
    if other := connection.execute(sa.select(issue.c.number, issue.c.cut_at).where(same)).first():
        raise AlreadyCut(
            f"issue {other.number} was cut already, at {other.cut_at:%Y-%m-%d %H:%M} UTC",
            cure=f"look at it with: digest issue show {other.number}",
        )


def _carry(connection: sa.Connection, made: Issue, carried: Post) -> None:
    """Guarded by the fate: of two runs only one finds the post waiting."""
    waiting = (post.c.id == carried.id, post.c.fate == Fate.WAITING.value)
    values = {"fate": Fate.CARRIED.value, "issue": made.number, "carried_hash": carried.content_hash}
    if connection.execute(sa.update(post).where(*waiting).values(values)).rowcount != 1:
        raise AlreadyCut(f"{carried.source} does not wait for an issue any more", cure="collect again")


def _told_by(made: Issue) -> Mapping[tuple[str, Correction], None]:
    """The corrections that readers have once they have the issue, each once by its words."""
    in_posts = [
        (carried.id, correction) for carried in carried_by(made) for correction in told_in(carried, made)
    ]
    noticed = [(notice.post_id, notice.correction) for notice in made.corrections]
    each = {
        (post_id, text_hash(correction)): (post_id, correction) for post_id, correction in in_posts + noticed
    }
    return dict.fromkeys(each.values())


def _issue_row(made: Issue, email: Email, now: datetime) -> dict[str, Any]:
    return {
        "number": made.number,
        "state": IssueState.DRAFT.value,
        "cutoff": made.slot.cutoff,
        "sends": made.slot.sends,
        "local_date": made.slot.day.isoformat(),
        "cut_at": now,
        "subject": email.subject,
        "summary": email.summary,
        "html": email.html,
        "text": email.text,
        "shortened": list(email.shortened),
        "hash": issue_hash(email),
    }


def _post_row(made: Issue, place: int, carried: Post, cards: Mapping[str, Card]) -> dict[str, Any]:
    shown = cards.get(carried.id, carried)
    return {
        "issue": made.number,
        "place": place,
        "post": carried.id,
        "role": carried.role.value,
        "content_hash": carried.content_hash,
        "title": shown.title,
        "path": shown.path,
        "lead": shown.lead,
    }


def _told_row(made: Issue, post_id: str, correction: Correction) -> dict[str, Any]:
    return {
        "post": post_id,
        "text_hash": text_hash(correction),
        "date": correction.date,
        "issue": made.number,
    }


# ----------------------------------------------------------------------------------------- approving


def approve(connection: sa.Connection, number: int, hash: str, now: datetime) -> None:
    """One statement decides; only then is it asked why it found nothing."""
    if len(hash) < SHORTEST_HASH:
        raise StoreError(
            f"{hash!r} is too short to name what is approved",
            cure=f"give at least {SHORTEST_HASH} characters",
        )
    approved = connection.execute(
        sa.update(issue)
        .where(
            issue.c.number == number,
            issue.c.state == IssueState.DRAFT.value,
            sa.func.substr(issue.c.hash, 1, len(hash)) == hash.lower(),
        )
        .values(state=IssueState.APPROVED.value, approved_at=now)
    )
    found = find(connection, number)
    if approved.rowcount != 1:
        _explain(found, hash)
    if not is_frozen(found):  # the hash names what was cut, and something else is stored beside it
        raise StoreError(
            f"issue {number} is not what was cut: subject, HTML or text were changed in the store",
            cure=f"cut it anew after `digest issue cancel {number}`",
        )


def _explain(found: StoredIssue, hash: str) -> None:
    """Why it could not be approved; nothing, where it was approved before with this very hash."""
    if not found.hash.startswith(hash.lower()):
        raise StoreError(
            f"issue {found.number} is not what you looked at: you name {hash[:12]}, but "
            f"{found.email.subject!r}, cut at {found.cut_at:%Y-%m-%d %H:%M} UTC, is {found.hash[:12]}",
            cure=f"look at it again with: digest issue show {found.number}",
        )
    if found.state is not IssueState.APPROVED:
        raise StoreError(f"issue {found.number} is {found.state}; only a draft can be approved")
