"""One issue as the preview tells of it: its mail, when it goes, which posts it carries, and why.

An issue that was cut is shown as it was frozen; one to come as it would be if nothing more were written.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from digest.collect import Reason, Standing
from digest.errors import UsageError
from digest.issues import Desk
from digest.model import Email, Finding, IssueState, PostRole
from digest.plan import Planned
from digest.schedule import faults, spoken
from digest.store import StoredIssue

AHEAD = 8
"""So many sendings are looked ahead."""
_ORDER = list(Standing)


@dataclass(frozen=True, kw_only=True, slots=True)
class Carried:
    """A post in an issue; `path` of its page on the site."""

    title: str
    path: str
    source: str = ""
    why: str = ""
    shortened: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Left:
    """A post that is not in it."""

    title: str
    source: str
    why: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Edition:
    number: int
    stands: str
    """What has become of it: `planned`, `draft` ..."""
    cut: str
    goes: str
    email: Email
    posts: tuple[Carried, ...]
    intro: str = ""
    corrections: int = 0
    left: tuple[Left, ...] = ()
    next_step: str = ""

    @property
    def size(self) -> int:
        """Bytes of the HTML part."""
        return len(self.email.html.encode())


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One sending in the chooser; without an issue, `says` tells why there is none."""

    number: int | None
    goes: str
    says: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Outlook:
    rows: tuple[Row, ...]
    first: int | None
    """The issue that goes next, or the last one that was cut."""
    faults: tuple[Finding, ...] = ()


def outlook(desk: Desk) -> Outlook:
    """The sendings to come, the next one first, and the issues that were cut, newest first."""
    wrong = tuple(faults(desk.newsletter))
    cut = desk.store.issues()
    ahead = [] if wrong else _rows(desk.plan(AHEAD), desk)
    waiting = [one.number for one in cut if one.slot.sends > desk.now]
    planned = [row.number for row in ahead if row.number is not None]
    return Outlook(
        rows=(*ahead, *(_cut_row(one, desk) for one in reversed(cut))),
        first=next(iter([*waiting, *planned, *[one.number for one in cut[-1:]]]), None),
        faults=wrong,
    )


def edition(desk: Desk, number: int) -> Edition:
    """An issue by its number. Raises UsageError where there is none and none is planned."""
    for stored in desk.store.issues():
        if stored.number == number:
            return _cut(desk, stored)
    for planned in [] if faults(desk.newsletter) else desk.plan(AHEAD):
        if planned.issue is not None and planned.number == number:
            return _planned(desk, planned)
    raise UsageError(f"no issue {number} was cut, and none is planned", cure="`digest plan` shows what comes")


def _rows(planned: list[Planned], desk: Desk) -> list[Row]:
    """The sendings to come; those behind the last issue that nothing is written for yet are one row."""
    rows = [_row(one, desk) for one in planned]
    issues = [place for place, row in enumerate(rows) if row.number is not None]
    end = issues[-1] + 1 if issues else 0
    if len(rows) - end < 2:
        return rows
    return [*rows[:end], Row(number=None, goes=f"From {rows[end].goes}", says=rows[end].says)]


def _cut_row(one: StoredIssue, desk: Desk) -> Row:
    return Row(number=one.number, goes=spoken(one.slot.sends, desk.zone), says=str(one.state.value))


def _row(one: Planned, desk: Desk) -> Row:
    goes = spoken(one.slot.sends, desk.zone)
    if one.issue is None:
        waiting = f", {one.waiting} waiting" if one.waiting else ""
        return Row(number=None, goes=goes, says=f"nothing new{waiting}")
    count = len(one.issue.posts)
    return Row(number=one.number, goes=goes, says=f"planned, {count} post{'s' if count != 1 else ''}")


def _cut(desk: Desk, stored: StoredIssue) -> Edition:
    sources = {post.id: post.source for post in desk.library.posts}
    return Edition(
        number=stored.number,
        stands=str(stored.state.value),
        cut=spoken(stored.slot.cutoff, desk.zone),
        goes=spoken(stored.slot.sends, desk.zone),
        email=stored.email,
        posts=tuple(
            Carried(
                title=post.title,
                path=post.path,
                source=sources.get(post.post_id, ""),
                shortened=post.post_id in stored.email.shortened,
            )
            for post in stored.posts
            if post.role is PostRole.POST
        ),
        intro=next((post.title for post in stored.posts if post.role is PostRole.INTRO), ""),
        next_step=f"digest issue approve {stored.number} --hash {stored.hash[:8]}"
        if stored.state is IssueState.DRAFT
        else "",
    )


def _planned(desk: Desk, planned: Planned) -> Edition:
    issue = planned.issue
    assert issue is not None
    email = desk.email(issue)
    reasons = planned.collected.reasons
    return Edition(
        number=planned.number,
        stands="planned",
        cut=spoken(planned.slot.cutoff, desk.zone),
        goes=spoken(planned.slot.sends, desk.zone),
        email=email,
        posts=tuple(
            Carried(
                title=post.title,
                path=post.path,
                source=post.source,
                why=reasons[post.id].says,
                shortened=post.id in email.shortened,
            )
            for post in issue.posts
        ),
        intro=issue.intro.title if issue.intro else "",
        corrections=len(issue.corrections),
        left=tuple(_left(desk, planned)),
    )


def _left(desk: Desk, planned: Planned) -> Iterator[Left]:
    """What is not in it: first what waits, then what is hidden, the archive last."""
    reasons = planned.collected.reasons

    def place(reason: Reason) -> int:
        return _ORDER.index(reason.standing)

    found = [(reasons[post.id], post) for post in desk.library.posts if post.id in reasons]
    for reason, post in sorted(found, key=lambda pair: (place(pair[0]), pair[1].source)):
        if reason.standing not in (Standing.IN, Standing.INTRO):
            yield Left(title=post.title, source=post.source, why=reason.says)
