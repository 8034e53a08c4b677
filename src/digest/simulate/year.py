"""The year itself: rounds as `digest run` does them, processes that send and die, and what befalls them."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from digest import mailing, schedule
from digest.delivery.courier import Progress
from digest.engine import Told
from digest.engine.look import look
from digest.errors import DigestError
from digest.issues import Desk, newsletter_of
from digest.model import IssueState, NoticeKind
from digest.settings import Settings
from digest.simulate.account import Happened, IssueLine, Promise, Year
from digest.simulate.author import Author
from digest.simulate.clockwork import Agenda, Clockwork, WallClock
from digest.simulate.judge import Judge
from digest.simulate.process import Process
from digest.simulate.readers import Readers, attempt
from digest.simulate.server import Lines, Server, Spell
from digest.store import Store, StoredIssue

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0
WEEK = 7 * DAY
_ROUTINE = DAY
"""The machine looks at least so often; `digest run` does each minute, which would find nothing new."""
_OVER = frozenset({IssueState.SENT, IssueState.SKIPPED, IssueState.CANCELLED, IssueState.FAILED})
_DOMAINS = ("example.org", "example.com", "mail.example.com", "letters.example.org", "example.net")


Send = Callable[..., Awaitable[object]]
"""`mailing.send`, or what stands in its place to see whether the judge notices."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """`tell` hears once a week how far the year is; for `server` and `send` others may be put."""

    begins: datetime
    weeks: int = 52
    readers: int = 2000
    seed: int = 1
    tell: Callable[[int, str], None] = lambda _week, _says: None
    server: Callable[..., Server] = Server
    send: Send = mailing.send


class Deck:
    """Cards drawn in random order; when it is empty it is shuffled anew, without the cards that come once."""

    def __init__(self, dice: random.Random, cards: Sequence[str], once: Sequence[str] = ()) -> None:
        self._dice, self._cards = dice, cards
        self._left = [*cards, *once]
        dice.shuffle(self._left)

    def draw(self) -> str:
        if not self._left:
            self._left = list(self._cards)
            self._dice.shuffle(self._left)
        return self._left.pop()


@dataclass(kw_only=True)
class Rehearsal:
    """One year over a project of its own. Made inside a running `Clockwork`."""

    settings: Settings
    plan: Plan
    store: Store
    happened: list[Happened] = field(default_factory=list)

    def __post_init__(self) -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, Clockwork)
        self.loop = loop
        self.newsletter = newsletter_of(self.settings)
        self.clock = WallClock(self.plan.begins, loop)
        self.agenda = Agenda()
        self.dice = {name: random.Random(f"{name} {self.plan.seed}") for name in _DICE}
        self.sending: dict[int, Process] = {}
        self.off_until: float | None = None
        self.ends = self.plan.weeks * WEEK
        self._round_at = float("inf")
        self._decided: set[tuple[int, IssueState]] = set()
        self._open: set[int] = set()
        self._last = 0
        self._turns = 0
        self._notices: set[tuple[str, int | None]] = set()
        self._people()
        self._incidents()

    def _people(self) -> None:
        self.judge = Judge(
            self.store,
            self.newsletter,
            resend=self.settings.delivery.uncertain == "resend",
            week=self.week,
            time=self.loop.time,
            clock=self.clock,
        )
        domains = (*_DOMAINS, *self.settings.delivery.domain_rates)
        self.readers = Readers(self.store.people, self.dice["readers"], self.clock, self.loop.time, domains)
        zone = schedule.zone_of(self.newsletter)
        self.author = Author(
            self.settings.posts, self.dice["author"], self.clock, zone, self.newsletter.max_posts
        )
        self.server = self.plan.server(
            dice=self.dice["server"], took=self.judge.took, first=self._first_letter
        )
        self.judge.server, self.judge.readers, self.judge.author = self.server, self.readers, self.author

    def _incidents(self) -> None:
        dice = self.dice["incidents"]
        self._of_server = Deck(dice, _SERVER_CARDS, ("long outage",))
        self._of_sender = Deck(dice, _SENDER_CARDS, ("off a day", "cancel"))

    # ------------------------------------------------------------------------------------ the year

    async def go(self) -> Year:
        self.readers.begin_with(self.plan.readers)
        for week in range(self.plan.weeks):
            self._plan_week(week)
        self._plan_clock_and_machine()
        self._round_in(1.0)
        while (now := self.loop.time()) < self.ends - 0.001:
            while act := self.agenda.take(now):
                act()
            await self._rest(min(self.agenda.next, self.ends))
        await self._land()
        with Desk.open(self.settings, self.clock()) as desk:
            self.judge.end(desk)
        return self._account()

    async def _rest(self, until: float) -> None:
        self.agenda.news.clear()
        try:
            await asyncio.wait_for(self.agenda.news.wait(), max(0.0, until - self.loop.time()))
        except TimeoutError:
            return

    async def _land(self) -> None:
        """The year is over: whatever sends is asked to stop, and lands what is in flight."""
        tasks = [process.task for process in self.sending.values() if process.task]
        for process in self.sending.values():
            process.stop.set()
        await asyncio.gather(*tasks)

    def week(self) -> int:
        return min(int(self.loop.time() // WEEK) + 1, self.plan.weeks)

    def _happens(self, what: str, says: str) -> None:
        self.happened.append(Happened(at=self.clock.true(), week=self.week(), what=what, says=says))

    # ------------------------------------------------------------------------------------ the plan

    def _at(self, time: float, act: Callable[[], object]) -> None:
        """For what needs the machine: while it is off, it comes after."""

        def when_on() -> None:
            if self.off_until is None:
                act()
            else:
                self._at(self.off_until + self.dice["plan"].uniform(MINUTE, 6 * HOUR), act)

        self.agenda.at(time, when_on)

    def _plan_week(self, week: int) -> None:
        dice, begins = self.dice["plan"], week * WEEK

        def some(act: Callable[[], object], count: int) -> None:
            for _ in range(count):
                self._at(begins + dice.uniform(0, WEEK), act)

        def about(share: float) -> int:
            wanted = self.plan.readers * share
            return int(wanted) + (dice.random() < wanted % 1)

        some(self._writing(self.author.writes), dice.choice((0, 1, 2, 2, 3, 4, 6)))
        some(self._writing(self.author.changes), dice.randrange(3))
        some(self._writing(self.author.publishes), 1)
        some(self._join, about(0.008))
        some(self._leave, about(0.004))
        some(self._complain, about(0.0005))
        some(self._erase, about(0.0005))
        some(self._mailbox_goes, about(0.0015))
        some(self._come_back, about(0.0005))
        if week % 8 == 5:
            some(lambda: self.readers.import_again(30), 1)
        if week % 26 == 7:
            some(self._writing(self.author.imports_archive), 1)
        if week % 26 == 11:
            some(self._writing(self.author.imports_news), 1)
        self.agenda.at(begins + WEEK - 1, self._week_ends)

    def _plan_clock_and_machine(self) -> None:
        """At a quarter, the half and three quarters of the year, beside an issue where it hurts most."""
        if self.plan.weeks < 8:
            return
        quarter = self.plan.weeks // 4
        slots = [self._slot_after(quarter * count * WEEK) for count in (1, 2, 3)]
        off, back, ahead = slots
        self.agenda.at(off[1] - HOUR, lambda: self._off(14 * DAY, "two weeks"))
        self.agenda.at(back[1] + 3, lambda: self._set_clock(-timedelta(hours=1)))
        self.agenda.at(back[1] + 2 * DAY, lambda: self._set_clock(timedelta()))
        self.agenda.at(ahead[0] - 20 * HOUR, lambda: self._set_clock(timedelta(days=1)))
        self.agenda.at(ahead[0] - 17 * HOUR, lambda: self._set_clock(timedelta()))

    def _slot_after(self, time: float) -> tuple[float, float]:
        after = self.plan.begins + timedelta(seconds=time)
        slot = schedule.slots(self.newsletter, after, 1)[0]
        return self.clock.when(slot.cutoff), self.clock.when(slot.sends)

    def _week_ends(self) -> None:
        resting = self._open - set(self.sending)
        for number in resting & set(self.judge.issues):
            self.judge.issue_at_rest(number)
        if self.week() % 4 == 0:
            self.judge.store()
        done = sum(self.server.accepted.values())
        count = len(self.readers.mailable())
        says = f"{self.store.next_number() - 1} issues cut, {count:,} readers, {done:,} letters accepted"
        self.plan.tell(self.week(), says)

    # -------------------------------------------------------------------------------- the machine

    def _off(self, length: float, says: str) -> None:
        self._happens("off", f"the machine is off for {says}")
        self.off_until = self.loop.time() + length
        for process in list(self.sending.values()):
            process.kill()
        self.agenda.at(self.off_until, self._on)

    def _on(self) -> None:
        if self.off_until is not None and self.loop.time() >= self.off_until:
            self.off_until = None
            self._happens("on", "the machine is on again")
            self._round_in(1.0)

    def _set_clock(self, wrong: timedelta) -> None:
        before, self.clock.wrong = self.clock.wrong, wrong
        by = wrong - before
        hours = abs(by).total_seconds() / 3600
        self._happens("clock", f"the clock is set {'forward' if by > timedelta() else 'back'} by {hours:g} h")
        self._round_in(1.0)

    def _crash(self, number: int) -> None:
        if process := self.sending.get(number):
            self._happens("crash", f"the process that sends issue {number} dies")
            process.kill()
            self._round_in(30.0)

    # ------------------------------------------------------------------------------------- rounds

    def _round_in(self, seconds: float) -> None:
        at = self.loop.time() + max(seconds, 0.001)
        if at < self._round_at:
            self._round_at = at
            self.agenda.at(at, lambda: self._round(at))

    def _round(self, planned: float) -> None:
        if planned != self._round_at:
            return
        self._round_at = float("inf")
        if self.off_until is not None:
            return
        found = look(self.settings, self.clock(), self._told, busy=set(self.sending))
        self.judge.look(self.sending)
        self._tell_notices()
        self._author_looks()
        for number in found.send:
            self._start(number)
        known = [self.clock.when(it) - self.loop.time() for it in found.known if it]
        self._round_in(min([_ROUTINE, *(it for it in known if it > 0)]))

    def _told(self, told: Told) -> None:
        if told.what == "held":
            self._happens("held", told.says)

    def _tell_notices(self) -> None:
        for kind, issue in sorted(self.judge.told - self._notices, key=str):
            if kind in (NoticeKind.PAUSED, NoticeKind.CLOCK):
                self._happens("notice", f"the author is told: {kind}" + (f", issue {issue}" if issue else ""))
        self._notices |= self.judge.told

    # ------------------------------------------------------------------------------------ sending

    def _start(self, number: int) -> None:
        store = Store.open(self.settings.store_url, project=self.settings.root)
        process = Process(store, Lines(self.server, self.settings.delivery.connections))
        self.sending[number] = process
        process.task = asyncio.create_task(self._send(number, process))

    async def _send(self, number: int, process: Process) -> None:
        try:
            with process.store as store:
                found = store.issue(number)
                if found.state is IssueState.APPROVED:
                    self.judge.begins(found)
                await self.plan.send(
                    self.settings,
                    store,
                    number,
                    self.clock,
                    rules=mailing.rules(self.settings, quietly=True),
                    watch=lambda progress: self._watch(number, process, progress),
                    stop=process.stop,
                    transport=process.lines,
                    dice=self.dice["pauses"].random,
                )
        except asyncio.CancelledError:
            if not process.dead:
                raise
        except DigestError as error:
            if not process.dead:
                self._happens("failed", f"issue {number}: {error}")
        finally:
            del self.sending[number]
            self._round_in(30.0 if process.dead else MINUTE)

    def _watch(self, number: int, process: Process, progress: Progress) -> None:
        """While nothing can leave, time goes in leaps: to the next try, or some way through an outage."""
        self._turns += 1
        if self._turns % 20 == 0:
            self.judge.sums(number)
        if not process.lines.idle:
            return
        if progress.next_try:
            self.loop.leap(min(self.clock.when(progress.next_try), self.agenda.next))
        elif (spell := self.server.spell()) and spell.kind == "outage":
            self.loop.leap(min(self.loop.time() + 600, spell.ends, self.agenda.next))

    def _first_letter(self, number: int) -> None:
        """An issue is on its way: what befalls it is drawn, and some readers leave meanwhile."""
        now, dice = self.loop.time(), self.dice["incidents"]
        lasts = max(3.0, self.plan.readers / self.settings.delivery.connections * 0.25)
        for _ in range(1 + self.plan.readers // 400):
            self._at(now + dice.uniform(0, lasts), self._leave)
        self._server_fails(self._of_server.draw(), now + dice.uniform(0, lasts))
        card, at = self._of_sender.draw(), now + dice.uniform(0.2, lasts)
        match card:
            case "crash":
                self._at(at, lambda: self._crash(number))
            case "crash again and again":
                for turn in range(4):
                    self._at(at + 40 * turn, lambda: self._crash(number))
            case "off a day":
                self._at(at, lambda: self._off(30 * HOUR, "thirty hours"))
            case "hold":
                self._at(at, lambda: self._hold(number))
                self._at(at + dice.uniform(1, 8) * HOUR, lambda: self._resume(number))
            case "cancel":
                self._at(at, lambda: self._cancel(number))

    def _server_fails(self, kind: str, begins: float) -> None:
        lengths = {"busy": HOUR, "throttled": 10 * MINUTE, "outage": 3 * HOUR, "long outage": 2 * DAY}
        lengths["block"] = 40 * MINUTE
        if kind in lengths:
            spell = Spell(kind=kind.removeprefix("long "), begins=begins, ends=begins + lengths[kind])
            self.server.spells.append(spell)
            self._happens("server", f"{kind} of the mail server for {lengths[kind] / HOUR:.1f} h")

    # ------------------------------------------------------------------------------------ readers

    def _join(self) -> None:
        reader, dice = self.readers.join(), self.dice["readers"]
        if dice.random() < 0.8:
            self._at(self.loop.time() + dice.uniform(0, 2 * DAY), lambda: self.readers.confirm(reader))

    def _come_back(self) -> None:
        self.readers.come_back()
        for reader in self.readers.all:
            if reader.pending and reader.came_back and self.dice["readers"].random() < 0.5:
                self.readers.confirm(reader)

    def _leave(self) -> None:
        if reader := self.readers.one(lambda it: it.confirmed or it.pending):
            self.readers.leave(reader)

    def _complain(self) -> None:
        if reader := self.readers.one(lambda it: it.confirmed):
            self.readers.complain(reader)

    def _erase(self) -> None:
        if reader := self.readers.one(lambda it: it.reason != "erased"):
            self.readers.erase(reader)

    def _mailbox_goes(self) -> None:
        """Its server refuses from now on; two weeks later the author has read what came back."""
        if reader := self.readers.one(lambda it: it.confirmed):
            self.server.gone.add(reader.address.shown)
            bounces = self.loop.time() + self.dice["readers"].uniform(3, 14) * DAY
            self._at(bounces, lambda: self.readers.bounce(reader))

    # ------------------------------------------------------------------------------------- author

    def _writing(self, work: Callable[[], None]) -> Callable[[], None]:
        def done() -> None:
            work()
            self._round_in(4 * HOUR)

        return done

    def _author_looks(self) -> None:
        """At every issue that is not over: what to say to it is decided once for each of its states."""
        first, self._last = self._last + 1, self.store.next_number() - 1
        self._open |= set(range(first, self._last + 1))
        for number in sorted(self._open - set(self.sending)):
            found = self.store.issue(number)
            self.judge.waits(found)
            if found.state in _OVER:
                self._open.discard(number)
                self.judge.issue_at_rest(number)
            elif (number, found.state) not in self._decided:
                self._decided.add((number, found.state))
                self._decide(found)

    def _decide(self, found: StoredIssue) -> None:
        dice, now, number = self.dice["author"], self.loop.time(), found.number
        left = max(self.clock.when(found.slot.sends) - now, 2 * HOUR)
        match found.state:
            case IssueState.DRAFT if self.newsletter.approval == "required":
                self._decide_draft(found, left)
            case IssueState.APPROVED:
                if dice.random() < 0.3:
                    self._at(now + dice.uniform(0, left), self._writing(self.author.edits_a_new_one))
                if dice.random() < 0.06:
                    self._at(now + dice.uniform(0, left), lambda: self._hold(number))
                    self._at(now + left + dice.uniform(1, 20) * HOUR, lambda: self._resume(number))
            case IssueState.HELD if self._held_by_program(number):
                wait = dice.uniform(1, 20) * HOUR
                gives_up = dice.random() < 0.2
                self._at(now + wait, lambda: (self._cancel if gives_up else self._resume)(number))

    def _held_by_program(self, number: int) -> bool:
        return not self.judge.is_held_by_author(number)

    def _decide_draft(self, found: StoredIssue, left: float) -> None:
        dice, now, number = self.dice["author"], self.loop.time(), found.number
        chance = dice.random()
        if chance < 0.8:
            self._at(now + dice.uniform(0.05, 0.7) * left, lambda: self._approve(found))
        elif chance < 0.9:
            self._at(now + left + dice.uniform(0.5, 20) * HOUR, lambda: self._approve(found))
        elif chance < 0.94:
            self._at(now + dice.uniform(0.05, 0.7) * left, lambda: self._skip(number))
        else:
            self._at(now + dice.uniform(0.05, 0.9) * left, lambda: self._cancel(number))

    def _does(self, what: str, number: int, act: Callable[[], object]) -> bool:
        """What came too late is refused with a sentence, as it should be."""
        hindered = attempt(act)
        if not hindered and what != "approves":
            self._happens("author", f"the author {what} issue {number}")
        self._decided -= {(number, state) for state in IssueState}
        self._round_in(MINUTE)
        return not hindered

    def _approve(self, found: StoredIssue) -> None:
        approve = self.store.approve
        if self._does("approves", found.number, lambda: approve(found.number, found.hash[:12], self.clock())):
            self.judge.word(found.number)

    def _hold(self, number: int) -> None:
        if self._does("holds", number, lambda: self.store.life.hold(number)):
            self.judge.held_by_author(number)

    def _resume(self, number: int) -> None:
        def resume() -> None:
            with Desk.open(self.settings, self.clock()) as desk:
                desk.resume(number)

        if self._does("resumes", number, resume):
            self.judge.word(number)

    def _skip(self, number: int) -> None:
        self._does("skips", number, lambda: self.store.life.skip(number, self.clock()))

    def _cancel(self, number: int) -> None:
        self._does("cancels", number, lambda: self.store.life.cancel(number, self.clock()))

    # ------------------------------------------------------------------------------- the accounting

    def _account(self) -> Year:
        lines = tuple(self._line(number) for number in sorted(self.judge.issues))
        names = ("candidates", "accepted", "refused", "suppressed", "uncertain", "waiting", "doubled")
        totals = {name: sum(getattr(line, name) for line in lines) for name in names}
        totals["letters the server took"] = sum(self.server.accepted.values())
        totals |= {f"server: {name}": count for name, count in sorted(self.server.failures.items()) if count}
        counts = Counter(it.what for it in self.happened)
        totals |= {f"times: {what}": count for what, count in sorted(counts.items())}
        return Year(
            seed=self.plan.seed,
            weeks=self.plan.weeks,
            readers=self.plan.readers,
            begins=self.plan.begins,
            issues=lines,
            totals=totals,
            happened=tuple(self.happened),
            looks={promise.value: self.judge.looks[promise] for promise in Promise},
            broken=tuple(self.judge.broken),
        )

    def _line(self, number: int) -> IssueLine:
        found, total = self.store.issue(number), self.store.sending.accounting(number)
        twice = (count - 1 for (issue, _), count in self.server.accepted.items() if issue == number)
        return IssueLine(
            issue=number,
            day=found.slot.day,
            state=found.state.value,
            posts=self.judge.issues[number].posts,
            candidates=total.candidates,
            accepted=total.accepted,
            refused=total.refused,
            suppressed=total.suppressed,
            uncertain=total.uncertain,
            waiting=total.waiting,
            doubled=sum(twice),
        )


_DICE = ("plan", "readers", "author", "server", "incidents", "pauses")
_SERVER_CARDS = ("calm", "calm", "calm", "busy", "throttled", "outage", "block", "outage")
_SENDER_CARDS = ("calm", "calm", "crash", "crash", "crash again and again", "hold")
