"""What is remembered: which posts were seen and mailed, and every issue as it was cut.

`Store` is the door. Each of its methods is one transaction, named by what has happened, and hands out
values of `model` or the two of its own (`StoredIssue`, `IssuePost`); what should happen is decided in
`collect`. This package alone imports SQLAlchemy, so import it where the store is opened.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from types import TracebackType

import sqlalchemy as sa

from digest.collect import Observation
from digest.errors import StoreError
from digest.model import Card, Email, Issue, LedgerEntry, NoticeKind, Slot
from digest.store import issues, notices, posts, slots
from digest.store.database import bring_up_to_date, connect, reading, refuse_moved, writing
from digest.store.feed_readers import FeedReaders
from digest.store.fence import Fence, NotHome
from digest.store.figures import Figures
from digest.store.issues import AlreadyCut, IssuePost, StoredIssue, issue_hash
from digest.store.life import Changed, Life
from digest.store.notices import Notices
from digest.store.people import People
from digest.store.pings import Pings
from digest.store.returns import Returns
from digest.store.runs import Runs
from digest.store.sending import Sending
from digest.store.service_mails import ServiceMails
from digest.store.sign_ups import SignUps
from digest.store.slots import Slots

__all__ = ["AlreadyCut", "Changed", "IssuePost", "NotHome", "People", "Store", "StoredIssue", "issue_hash"]


class Store:
    """An open store. Every method may raise StoreError, with what to do about it."""

    def __init__(self, engine: sa.Engine) -> None:
        self.engine = engine
        self.feed_readers = FeedReaders(engine)
        self.fence = Fence(engine)
        self.figures = Figures(engine)
        self.life = Life(engine)
        self.notices = Notices(engine)
        self.people = People(engine)
        """Subscribers, what they agreed to, and who is never mailed."""
        self.pings = Pings(engine)
        self.returns = Returns(engine)
        self.runs = Runs(engine)
        self.sending = Sending(engine)
        self.service_mails = ServiceMails(engine)
        self.sign_ups = SignUps(engine)
        self.slots = Slots(engine)

    @classmethod
    def open(cls, url: str, *, project: Path) -> Store:
        """Opens `url`, makes the database where there is none and upgrades one of an older digest.

        A relative SQLite path is taken from `project`. One that was moved elsewhere is refused, and says
        where it is. Use it in a `with`, or call `close`.
        """
        store = cls(connect(url, project))
        try:
            bring_up_to_date(store.engine)
            with reading(store.engine) as connection:
                refuse_moved(connection)
            with suppress(StoreError):  # one that may only be read sends nothing, and needs no home
                store.fence.claim()
        except BaseException:
            store.close()
            raise
        return store

    def close(self) -> None:
        self.engine.dispose()

    def check(self) -> None:
        """Raises StoreError where it cannot be read, or was moved elsewhere since it was opened."""
        with reading(self.engine) as connection:
            refuse_moved(connection)

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # ------------------------------------------------------------------------------------- posts

    def ledger(self) -> dict[str, LedgerEntry]:
        """Every post id that was ever seen, with its entry."""
        with reading(self.engine) as connection:
            return posts.ledger(connection)

    def first_ids(self) -> dict[str, str]:
        """Of posts whose file was renamed: the present id -> the one that feeds carry for good."""
        with reading(self.engine) as connection:
            return posts.first_ids(connection)

    def record(self, observation: Observation) -> None:
        """Remembers what a look at the posts has found."""
        with writing(self.engine) as connection:
            posts.record(connection, observation)

    # ------------------------------------------------------------------------------------ issues

    def next_number(self) -> int:
        with reading(self.engine) as connection:
            return issues.next_number(connection)

    def last_slot(self) -> Slot | None:
        """The latest slot that is done with: an issue was cut for it, or it was left empty."""
        with reading(self.engine) as connection:
            return slots.last_slot(connection)

    def leave_empty(self, slot: Slot, now: datetime) -> None:
        """Remembers that the slot's cutoff came and no issue was to be made: it is not due any more."""
        with writing(self.engine) as connection:
            slots.leave_empty(connection, slot, now)

    def cut(self, issue: Issue, email: Email, cards: Iterable[Card], now: datetime) -> StoredIssue:
        """Freezes an issue: its mail, its posts, their fate and what was corrected, or nothing of it all.

        `cards` give title, path and lead as the site shows them; a post without one speaks for itself.
        AlreadyCut where its number, its slot or one of its posts was taken meanwhile.
        """
        with writing(self.engine) as connection:
            issues.cut(connection, issue, email, cards, now)
            return issues.find(connection, issue.number)

    def approve(self, number: int, hash: str, now: datetime) -> StoredIssue:
        """Approves what `hash` names, whole or by its first 8 characters; again changes nothing."""
        with writing(self.engine) as connection:
            issues.approve(connection, number, hash, now)
            notices.answer(connection, now, kind=NoticeKind.MISSED, issue=number)
            return issues.find(connection, number)

    def issue(self, number: int) -> StoredIssue:
        with reading(self.engine) as connection:
            return issues.find(connection, number)

    def issues(self) -> list[StoredIssue]:
        """Every issue, by number."""
        with reading(self.engine) as connection:
            return issues.select(connection)

    def published_issues(self, now: datetime) -> list[StoredIssue]:
        """The issues that the site shows: on their way once, or approved and their sending time has come."""
        with reading(self.engine) as connection:
            return issues.published(connection, now)
