"""The next issues of a project, and what they look like as mail: posts and ledger brought together.

`collect` and `plan` decide, `store` remembers, `render` draws; here they meet over one project. A `Desk` is
open while a command works. Looking at the posts is remembered, so that a post which is renamed or dated anew
tomorrow is known again; nothing else is written but by `cut` and `approve`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from digest import plan as planning
from digest import schedule
from digest.collect import first_seen, is_public, next_issue, observe, remembered, text_hash
from digest.errors import InputError, SettingsError, StoreError, UsageError
from digest.library import Library, Progress, silent
from digest.markdown import Addresses
from digest.model import (
    Card,
    Email,
    Issue,
    IssueState,
    LedgerEntry,
    MailedCorrection,
    Newsletter,
    Notice,
    NoticeKind,
    Post,
    PostRole,
    Relations,
    Slot,
)
from digest.plan import Answer, Planned
from digest.publish import MailedIssue, Memory, cards_of
from digest.relations import Catalogue
from digest.render import body
from digest.render.addresses import settled
from digest.render.email import MailPost, issue_email
from digest.settings import Settings
from digest.store import Store, StoredIssue
from digest.theme import Theme

_NO_NEWSLETTER = Newsletter(sender="", postal_address="")
"""For a site without mail: its ledger only keeps the ids that feed readers know."""


class Desk:
    """One project at one instant: its posts, its ledger, and the issues that follow from them."""

    def __init__(
        self, library: Library, store: Store, newsletter: Newsletter, now: datetime, *, record: bool = True
    ) -> None:
        self.library = library
        self.store = store
        self.newsletter = newsletter
        self.now = now
        self.site = library.site
        self.zone = ZoneInfo(self.site.timezone)
        self.record = record
        self.ledger = look(library, store, newsletter, now, record=record)
        self._skipped = {it.day for it in store.slots.skipped()}
        if record:
            keep_slots(store, newsletter, now)
        self.theme = Theme(
            library.settings.templates, language=self.site.language, timezone=self.site.timezone
        )

    @classmethod
    @contextmanager
    def open(
        cls, settings: Settings, now: datetime, *, record: bool = True, progress: Progress = silent
    ) -> Iterator[Desk]:
        """Read the posts and the ledger. Raises SettingsError where there is no [newsletter].

        Without `record` the ledger learns nothing: for a clock that runs ahead, and for a preview.
        """
        newsletter = newsletter_of(settings)
        with (
            Library.open(settings, progress=progress) as library,
            Store.open(settings.store_url, project=settings.root) as store,
        ):
            yield cls(library, store, newsletter, now, record=record)

    # -- looking ahead

    def plan(self, count: int) -> list[Planned]:
        """The next issues, as they would be if nothing more were written."""
        return planning.plan(
            self.library.posts,
            self.ledger,
            self.newsletter,
            self.now,
            count,
            self.store.next_number(),
            timezone=self.zone,
            due=self.due(),
            withheld=self.library.withheld,
            skipped=self._skipped,
        )

    def due(self) -> Slot | None:
        """The slot whose cutoff has come and whose issue is not cut yet."""
        last = self.store.last_slot()
        if found := schedule.due(self.newsletter, last, self.now, self._skipped):
            return found
        return None if last else self._first_slot()

    def _first_slot(self) -> Slot | None:
        """A new newsletter has missed nothing, but for a slot that was awaited and can still go late."""
        passed = (it for it in self.store.slots.planned() if it.sends <= self.now)
        return next((it for it in passed if not schedule.missed(self.newsletter, it.sends, self.now)), None)

    def skipped(self) -> list[Slot]:
        """The slots still to come that the author wants left empty."""
        return [it for it in self.store.slots.skipped() if it.sends > self.now]

    def why(self, name: str) -> tuple[Post, Answer]:
        """What becomes of the post of this slug, title, id, file or address. Raises UsageError for none."""
        post = self.find(name)
        answer = planning.why(
            post,
            self.library.posts,
            self.ledger,
            self.newsletter,
            self.now,
            self.store.next_number(),
            timezone=self.zone,
            due=self.due(),
            withheld=self.library.withheld,
            skipped=self._skipped,
        )
        return post, answer

    def find(self, name: str) -> Post:
        catalogue = Catalogue(self.library.posts, self.site)
        by_file = {post.source: post for post in self.library.posts}
        found = by_file.get(name) or by_file.get(f"posts/{name}") or catalogue.find(name)
        if found is None and (reason := self.library.held_back(name)):
            raise InputError(f"{reason.where} is left out, so it goes nowhere", findings=[reason])
        if found is None:
            near = catalogue.nearest(name)
            cure = f"did you mean {near!r}?" if near else "name it by slug, title or file"
            raise UsageError(f"no post is called {name!r}", cure=cure)
        return found

    # -- one issue

    def planned(self, number: int) -> Issue:
        """The issue of this number, which is still to be cut. Raises UsageError where none will be."""
        first = self.store.next_number()
        if number < first:
            raise UsageError(
                f"issue {number} was cut already", cure=f"look at it with `digest issue show {number}`"
            )
        for planned in self.plan(max(8, number - first + 8)):
            if planned.issue is not None and planned.number == number:
                return planned.issue
        raise UsageError(f"no issue {number} is planned", cure="look at the next ones with `digest plan`")

    def email(self, issue: Issue) -> Email:
        """The issue as mail. Only its own posts are read again, with their text."""
        public = [post for post in self.library.posts if is_public(post, issue.slot.sends)]
        articles = [post for post in public if post.role is PostRole.POST]
        catalogue = Catalogue(articles, self.site)
        relations = catalogue.relations()
        writer = _Writer(self.library, articles, relations)
        corrections = tuple(
            replace(mailed, url=self.site.address(mailed.url)) if "://" not in mailed.url else mailed
            for mailed in issue.corrections
        )
        return issue_email(
            self.theme.render,
            self.site,
            self.newsletter,
            replace(issue, corrections=corrections),
            [writer.mail_post(post) for post in issue.posts],
            writer.mail_post(issue.intro) if issue.intro else None,
        )

    def cards(self, issue: Issue) -> list[Card]:
        return cards_of([*issue.posts, *([issue.intro] if issue.intro else [])], self.library, self.now)

    def cut(self) -> StoredIssue:
        """Freeze what waits now as the issue that is due, else as the next one, before its time.

        Raises StoreError where there is nothing to cut.
        """
        slot = self._slot_to_cut()
        stored = self.freeze(slot)
        if stored is None:
            says = f"no post waits for the issue of {slot.sends.astimezone(self.zone):%d %B %Y}"
            raise StoreError(says, cure="`digest plan` shows what comes, `digest why POST` explains one post")
        if self.newsletter.approval == "none":
            return self.store.approve(stored.number, stored.hash, self.now)
        return stored

    def freeze(self, slot: Slot) -> StoredIssue | None:
        """The issue of this slot as a draft, or None where too little waits for one."""
        collected = next_issue(
            self.library.posts,
            self.ledger,
            self.newsletter,
            slot,
            self.store.next_number(),
            address=self.site.address,
        )
        if collected.issue is None:
            return None
        return self.store.cut(
            collected.issue, self.email(collected.issue), self.cards(collected.issue), self.now
        )

    def _slot_to_cut(self) -> Slot:
        if slot := self.due():
            return slot
        upcoming = schedule.upcoming(self.newsletter, self.store.last_slot(), self.now, 1, self._skipped)
        if not upcoming:
            raise StoreError("the schedule has no more issues", cure="look at rrule in digest.toml")
        return replace(upcoming[0], cutoff=self.now)

    def resume(self, number: int) -> StoredIssue:
        """Let a held issue go on. Where nothing needs approval, a draft is approved by that."""
        found = self.store.life.resume(number, self.now)
        if found.state is IssueState.DRAFT and self.newsletter.approval == "none":
            return self.store.approve(number, found.hash, self.now)
        return found

    def skip(self, number: int) -> Slot:
        """Leave the slot of an issue empty, cut or still planned; its posts wait for the next."""
        if number < self.store.next_number():
            return self.store.life.skip(number, self.now).slot
        slot = self.planned(number).slot
        self.store.slots.skip(slot, self.now)
        return slot

    def unskip(self, number: int) -> Slot:
        """Take back the skipping of an issue that was cut, else of the first skipped slot to come."""
        cut = number < self.store.next_number()
        days = [self.store.issue(number).slot.day] if cut else [it.day for it in self.skipped()]
        if not days:
            raise StoreError("no slot to come is skipped", cure="`digest plan` shows the slots to come")
        return self.store.slots.unskip(days[0], self.now)

    def stored(self, number: int) -> tuple[Issue, Email]:
        """An issue that was cut, as it was frozen; its posts are named, not read."""
        found = self.store.issue(number)
        return Issue(number=number, slot=found.slot, posts=(), state=found.state), found.email


KEPT = 6
"""So many slots ahead are remembered, so that a change of the schedule is noticed."""


def keep_slots(store: Store, newsletter: Newsletter, now: datetime) -> None:
    """Remember the slots to come; where the schedule was changed since, its author hears what that moves."""
    last, skipped = store.last_slot(), {it.day for it in store.slots.skipped()}
    not_sent = now - timedelta(seconds=newsletter.cutoff_seconds)  # whose sending is to come, cut or not
    coming = schedule.upcoming(newsletter, last, not_sent, KEPT, skipped)
    moved = store.slots.keep(coming, now, ends=len(coming) < KEPT)  # a rule may have a last day
    if not moved:
        return
    zone = schedule.zone_of(newsletter)
    first = moved[0]
    becomes = (
        f"goes on {schedule.spoken(first.now.sends, zone)} now" if first.now else "has no issue any more"
    )
    more = f", and {len(moved) - 1} more have moved or gone" if moved[1:] else ""
    says = f"the schedule has changed: {schedule.spoken(first.was.sends, zone)} {becomes}{more}"
    cure = "`digest plan` shows the new times; mend [newsletter] in digest.toml if you did not want that"
    store.notices.add(Notice(kind=NoticeKind.SCHEDULE, says=says, cure=cure, at=now))


def newsletter_of(settings: Settings) -> Newsletter:
    newsletter = settings.newsletter
    if newsletter is None:
        cure = "add it: `digest init` in an empty folder shows one, `digest settings` explains it"
        raise SettingsError("digest.toml has no [newsletter], so there are no issues", cure=cure)
    return newsletter


def keeper(settings: Settings) -> Newsletter:
    """The newsletter whose ledger keeps the ids: for a site without mail, one that sends nothing."""
    return settings.newsletter or _NO_NEWSLETTER


def look(
    library: Library, store: Store, newsletter: Newsletter, now: datetime, *, record: bool
) -> dict[str, LedgerEntry]:
    """The ledger with the posts as they stand; the author hears what it learned from them."""
    ledger = store.ledger()
    library.settle(first_seen(ledger))
    zone = ZoneInfo(library.site.timezone)
    seen = observe(library.posts, ledger, newsletter, now, zone, withheld=library.withheld)
    library.findings += seen.findings
    if not (seen.new or seen.changed or seen.renamed):
        return ledger
    if record:
        store.record(seen)
    return remembered(ledger, seen)


def remember(settings: Settings, now: datetime) -> Callable[[Library], Memory]:
    """What a build asks once it has read the posts: the issues that went out, and ids that readers know.

    Looking is remembered, so that a post which a build has shown is known when its file is renamed.
    """

    def memory(library: Library) -> Memory:
        newsletter = keeper(settings)
        with Store.open(settings.store_url, project=settings.root) as store:
            look(library, store, newsletter, now, record=True)
            return Memory(issues=mailed_issues(library, store, now), first_ids=store.first_ids())

    return memory


def mailed_issues(library: Library, store: Store, now: datetime) -> list[MailedIssue]:
    """The issues that went out by `now`, newest first, as the site shows them."""
    stored = store.published_issues(now)
    told = _told(library.posts, store.ledger()) if stored else {}
    return [
        MailedIssue(
            card=issue.card,
            post_ids=tuple(post.post_id for post in issue.posts if post.role is PostRole.POST),
            intro_id=next((post.post_id for post in issue.posts if post.role is PostRole.INTRO), ""),
            corrections=tuple(told.get(issue.number, ())),
        )
        for issue in reversed(stored)
    ]


def _told(posts: Sequence[Post], ledger: dict[str, LedgerEntry]) -> dict[int, list[MailedCorrection]]:
    """The corrections that an issue told of posts that an earlier one had carried, by its number."""
    found: dict[int, list[MailedCorrection]] = {}
    for post in posts:
        entry = ledger.get(post.id)
        if entry is None or entry.issue is None:
            continue
        by_hash = {text_hash(correction): correction for correction in post.corrections}
        for mark in entry.told:
            if mark.issue != entry.issue and (correction := by_hash.get(mark.text_hash)):
                notice = MailedCorrection(
                    post_id=post.id, title=post.title, url=post.path, issue=entry.issue, correction=correction
                )
                found.setdefault(mark.issue, []).append(notice)
    return found


class _Writer:
    """Turns posts into what the mail's templates are filled with."""

    def __init__(self, library: Library, articles: Sequence[Post], relations: dict[str, Relations]) -> None:
        self._library = library
        self._site = library.site
        self._relations = relations
        self._path_of = library.path_of(articles)

    def mail_post(self, post: Post) -> MailPost:
        library, site = self._library, self._site
        record = library.record(post)
        relations = self._relations.get(post.id, Relations())
        html = settled(library.own_body(post), self._path_of, site.base) + body.related(relations, site.base)
        whole = library.full(post)
        url = site.address(post.path)
        text = body.text(whole, site, self._absolute(whole, url), relations)
        return MailPost(
            post=replace(whole, content_hash=post.content_hash),
            url=url,
            body_html=body.for_mail(body.without_bottom_line(html), site, url, prefix=f"{post.slug}-"),
            body_text=text,
            lead=record.lead,
            minutes=record.minutes,
        )

    def _absolute(self, post: Post, url: str) -> Addresses:
        return body.seen_from_afar(self._library.addresses(post), self._path_of, self._site, url)
