"""The judge of a rehearsed year: compares what the mail server really took with what was promised.

Readers, author and server tell it what they did, and it believes the server before the store. A promise that
is broken is told once for each issue or post, with what it was seen by.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta

from digest.collect import Standing
from digest.issues import Desk
from digest.model import DeliveryState, Email, IssueState, Letter, Newsletter, NoticeKind
from digest.schedule import zone_of
from digest.simulate.account import Broken, Promise
from digest.simulate.author import Author, Written
from digest.simulate.letters import Pattern, differs, recipient_of
from digest.simulate.readers import Reader, Readers
from digest.simulate.server import Server
from digest.store import Store, StoredIssue
from digest.store.accounts import DeliveryRow
from digest.store.verify import verify

_GRACE = timedelta(minutes=2)
"""Between a time that has come and the round that sees it."""
_BLOCK = 12
"""So many refusals of us as a sender, and the issue must have been stopped."""


@dataclass(kw_only=True, slots=True)
class _Seen:
    """An issue as it was cut, and what became known of it since. Times without a zone are the loop's."""

    email: Email
    hash: str
    slot_day: str
    cutoff: datetime
    posts: int
    sends: datetime
    audience: dict[int, Reader] = field(default_factory=dict)
    begun_at: float | None = None
    word_at: datetime | None = None
    """When the author last said that it may go."""
    pattern: Pattern | None = None


class Judge:
    """`week` and `time` are the rehearsal's, `clock` is the wall clock of the machine."""

    def __init__(
        self,
        store: Store,
        newsletter: Newsletter,
        *,
        resend: bool,
        week: Callable[[], int],
        time: Callable[[], float],
        clock: Callable[[], datetime],
    ) -> None:
        self.broken: list[Broken] = []
        self.looks: Counter[Promise] = Counter()
        self.told: set[tuple[str, int | None]] = set()
        self.issues: dict[int, _Seen] = {}
        self.server: Server
        self.readers: Readers
        self.author: Author
        self._store, self._newsletter, self._zone = store, newsletter, zone_of(newsletter)
        self._resend, self._week, self._time, self._clock = resend, week, time, clock
        self._by_author: set[int] = set()
        self._said: set[tuple[Promise, str]] = set()

    def _hold(self, promise: Promise, kept: bool, says: str, matter: str = "") -> None:
        """A promise was looked at. Of one matter a break is told once."""
        self.looks[promise] += 1
        if kept or (promise, matter or says) in self._said:
            return
        self._said.add((promise, matter or says))
        self.broken.append(Broken(promise=promise, week=self._week(), says=says))

    # ------------------------------------------------------------------------ what the others tell

    def word(self, number: int) -> None:
        """The author says that it may go."""
        self.issues[number].word_at = self._clock()
        self._by_author.discard(number)

    def held_by_author(self, number: int) -> None:
        self._by_author.add(number)

    def is_held_by_author(self, number: int) -> bool:
        return number in self._by_author

    def begins(self, found: StoredIssue) -> None:
        """Its audience is frozen at this very instant."""
        seen, now = self.issues[found.number], self._clock()
        seen.audience = {reader.id: reader for reader in self.readers.mailable()}
        seen.begun_at = self._time()
        number = found.number
        self._hold(Promise.TIME, now >= seen.sends, f"issue {number} began before its time")
        latest = max(filter(None, (seen.sends, seen.word_at))) + self._patience()
        self._hold(
            Promise.TIME, now <= latest, f"issue {number} began at {now:%a %d %b %H:%M}, unasked and late"
        )
        dates = [it.slot_day for it in self.issues.values() if it.begun_at is not None]
        self._hold(Promise.TIME, len(dates) == len(set(dates)), f"issue {number} is the second of its date")
        if self._newsletter.approval == "required":
            self._hold(Promise.APPROVED, seen.word_at is not None, f"issue {number} began without a word")
        self._hold(Promise.APPROVED, found.hash == seen.hash, f"issue {number} began with another hash")

    def _patience(self) -> timedelta:
        length = timedelta()
        if hours := _quiet(self._newsletter):
            begins, ends = (timedelta(hours=it.hour, minutes=it.minute) for it in hours)
            length = (ends - begins) % timedelta(days=1) or timedelta(days=1)
        return timedelta(seconds=self._newsletter.missed_within_seconds) + length + _GRACE

    def took(self, letter: Letter, body: bytes) -> None:
        """The server has a message, at this very instant."""
        seen = self.issues[letter.issue]
        reader = self.readers.by_address.get(letter.recipient)
        self._hold(Promise.NOBODY_ELSE, self._may_have(reader, seen), self._whose(letter, reader))
        named = recipient_of(body) == letter.recipient
        self._hold(Promise.NOBODY_ELSE, named, f"issue {letter.issue}: a letter names another reader", "To")
        if seen.pattern is None:
            seen.pattern = Pattern(body)
            part = differs(body, seen.email)
            self._hold(
                Promise.APPROVED, not part, f"issue {letter.issue}: its {part} is not what was approved"
            )
        same = seen.pattern.fits(body)
        self._hold(Promise.APPROVED, same, f"issue {letter.issue} is not the same for everyone")
        if hours := _quiet(self._newsletter):
            times = (self._clock().astimezone(self._zone), (self._clock() - _GRACE).astimezone(self._zone))
            quiet = all(_within(it.time(), hours) for it in times)
            self._hold(Promise.TIME, not quiet, f"issue {letter.issue} went in quiet hours")

    def _may_have(self, reader: Reader | None, seen: _Seen) -> bool:
        """Who leaves in the very instant in which the message is handed over is not wronged."""
        if reader is None or reader.id not in seen.audience:
            return False
        return reader.confirmed or (bool(reader.out_at) and reader.out_at[-1] >= self._time())

    def _whose(self, letter: Letter, reader: Reader | None) -> str:
        if reader is None:
            return f"issue {letter.issue} went to somebody whom nobody knows"
        why = reader.reason or ("not confirmed" if reader.pending else "not there when it began")
        return f"issue {letter.issue} went to reader {reader.number}, who is {why}"

    # ------------------------------------------------------------------------------ at every look

    def look(self, sending: Iterable[int]) -> None:
        """After a round: new issues are noted, sums are made, and what waits must have been told."""
        self.told |= {(notice.kind, notice.issue) for notice in self._store.notices.open()}
        for number in range(max(self.issues, default=0) + 1, self._store.next_number()):
            self._note(self._store.issue(number))
        for number in sending:
            self.sums(number)
        self._clock_is_told()

    def _note(self, found: StoredIssue) -> None:
        """An approval that nobody has to give is given at the cut."""
        self.issues[found.number] = _Seen(
            email=found.email,
            hash=found.hash,
            slot_day=found.slot.day.isoformat(),
            sends=found.slot.sends,
            cutoff=found.slot.cutoff,
            posts=len(found.posts),
        )
        says = f"issue {found.number} does not keep its hour on the wall clock"
        self._hold(Promise.TIME, self._keeps_its_hour(found), says)

    def _keeps_its_hour(self, found: StoredIssue) -> bool:
        """A reading that the clock leaves out in spring cannot be kept."""
        wanted = datetime.combine(found.slot.day, time.fromisoformat(self._newsletter.at), tzinfo=self._zone)
        there = wanted.astimezone(UTC).astimezone(self._zone).time() == wanted.time()
        return not there or found.slot.sends == wanted

    def sums(self, number: int) -> None:
        total, seen = self._store.sending.accounting(number), self.issues[number]
        if seen.begun_at is None:
            return
        self._hold(Promise.SUM, total.adds_up, f"issue {number} does not add up: {total}")
        enough = total.candidates >= len(seen.audience)
        self._hold(
            Promise.SUM, enough, f"issue {number} has {total.candidates} candidates", f"audience {number}"
        )

    def waits(self, found: StoredIssue) -> None:
        """An issue that goes no further without its author, seen at a round."""
        number, kinds = found.number, {kind for kind, issue in self.told if issue == found.number}
        if found.state is IssueState.HELD and number not in self._by_author:
            self._hold(
                Promise.TOLD, bool(kinds), f"issue {number} is held and nobody is told: {found.reason}"
            )
        late = self._clock() > found.slot.sends + _GRACE
        if found.state is IssueState.DRAFT and self._newsletter.approval == "required" and late:
            says = f"issue {number} waits for approval past its time, and nobody is told"
            self._hold(Promise.TOLD, bool(kinds), says)

    def _clock_is_told(self) -> None:
        newest = self._store.life.newest_instant()
        limit = timedelta(seconds=self._newsletter.missed_within_seconds)
        if newest and newest - self._clock() > limit:
            says = "the clock runs behind what was done, and nobody is told"
            self._hold(Promise.TOLD, (NoticeKind.CLOCK, None) in self.told, says)

    # ------------------------------------------------------------------- at rest, and at the end

    def issue_at_rest(self, number: int) -> None:
        """Every reader of an issue, while nothing of it is on the wire."""
        seen = self.issues[number]
        if seen.begun_at is None:
            return
        self.sums(number)
        rows = {row.subscriber: row for row in self._rows(number)}
        for id, reader in seen.audience.items():
            self._reader(number, reader, rows.pop(id, None), seen.begun_at)
        for row in rows.values():
            fine = row.state is DeliveryState.SUPPRESSED
            says = f"issue {number} counts a reader who was not to have it, as {row.state}"
            self._hold(Promise.NOBODY_ELSE, fine, says)

    def _rows(self, number: int) -> list[DeliveryRow]:
        return self._store.sending.rows(number, list(DeliveryState), limit=10_000_000)

    def _reader(self, number: int, reader: Reader, row: DeliveryRow | None, begun_at: float) -> None:
        who = f"issue {number}: reader {reader.number}"
        if row is None:
            self._hold(Promise.ONCE, False, f"{who} is not in the ledger")
            return
        key = (number, reader.address.shown)
        copies, unsure = self.server.accepted[key], self.server.unsure[key]
        more = copies - (row.state is DeliveryState.ACCEPTED)
        allowed = unsure if self._resend or row.state is DeliveryState.UNCERTAIN else 0
        self._hold(
            Promise.ONCE,
            0 <= more <= allowed and (self._resend or copies <= 1),
            f"{who} is {row.state} in the ledger, and the mail server has it {copies} times",
        )
        if row.state is DeliveryState.UNCERTAIN:
            self._hold(Promise.UNCERTAIN, unsure > 0, f"{who} is uncertain, and nothing hid its fate")
        self._hold(
            Promise.ONCE, self._reason(key, reader, row, begun_at), f"{who} is {row.state} without cause"
        )

    def _reason(self, key: tuple[int, str], reader: Reader, row: DeliveryRow, begun_at: float) -> bool:
        match row.state:
            case DeliveryState.REFUSED:
                return key in self.server.refused or row.reply.startswith("given up") or not row.address
            case DeliveryState.SUPPRESSED:
                return reader.was_out_since(begun_at) or key[1] in self.server.turned_away
        return True

    def store(self) -> None:
        found = verify(self._store.engine).findings
        self._hold(Promise.STORE, not found, "; ".join(map(str, found[:3])))
        for says in self.readers.wrong:
            self._hold(Promise.ACTS, False, says)
        self.looks[Promise.ACTS] += 1

    def end(self, desk: Desk) -> None:
        """The whole year once more, and what became of every post."""
        for number in self.issues:
            self.issue_at_rest(number)
        for (number, says), count in self.server.policy.items():
            if count >= _BLOCK:
                told = (NoticeKind.PAUSED, number) in self.told
                self._hold(Promise.TOLD, told, f"issue {number} was refused ({says}) and not stopped")
        for post in self.author.posts:
            self._post(desk, post)
        self.store()

    def _post(self, desk: Desk, post: Written) -> None:
        cut = {number: seen for number, seen in self.issues.items() if post.word in seen.email.text}
        mailed = [number for number, seen in cut.items() if seen.begun_at is not None]
        self._hold(Promise.POSTS, len(mailed) <= 1, f"{post.name} was mailed in issues {mailed}")
        _, answer = desk.why(post.name)
        known = answer.standing is not Standing.UNSEEN and bool(answer.sentences)
        self._hold(Promise.POSTS, known, f"{post.name}: nobody knows what becomes of it")
        if answer.standing is Standing.CARRIED and answer.number in self.issues:
            inside = answer.number in cut
            self._hold(
                Promise.POSTS, inside, f"{post.name} is said to be in issue {answer.number}, and is not"
            )
        if post.steady and not cut:
            self._hold(Promise.POSTS, not self._passed_over(post), f"{post.name} was passed over")

    def _passed_over(self, post: Written) -> bool:
        """Whether an issue that had room was cut while it was public and to be mailed."""
        if post.public_at is None or not post.mail or post.role:
            return False
        starts = self._newsletter.starts
        if starts and post.dated.astimezone(self._zone).date() < starts:
            return False
        return any(
            seen.cutoff >= post.public_at and seen.posts < self._newsletter.max_posts
            for seen in self.issues.values()
        )


def _quiet(newsletter: Newsletter) -> tuple[time, time] | None:
    if not newsletter.quiet_hours:
        return None
    begins, _, ends = newsletter.quiet_hours.partition("-")
    return time.fromisoformat(begins), time.fromisoformat(ends)


def _within(at: time, hours: tuple[time, time]) -> bool:
    begins, ends = hours
    if begins < ends:
        return begins <= at < ends
    return at >= begins or at < ends
