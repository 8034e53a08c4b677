"""All posts of a project, read once and remembered: what a build, a plan and a preview begin with.

`Library.open` looks at every file, reads those that changed since the last time (in several processes when
they are many) and takes the rest from the cache. What it holds of a post is light, without its text; the
body as the page shows it, or the whole post read again, is a call away.
"""

from __future__ import annotations

import gc
import hashlib
import multiprocessing
import os
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import digest
from digest import files, posts
from digest.cache import Cache, Record
from digest.errors import InputError
from digest.files import Shelf, Source
from digest.markdown import Addresses, TooDeep
from digest.model import Asset, Finding, Post, Severity, Site
from digest.relations import Catalogue
from digest.render import body
from digest.render.addresses import linked, resolver
from digest.settings import Settings

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how many are done, and of how many."""

ALONE = 400
"""Fewer pieces of work than this are done in one process: starting others would take longer."""

_In = TypeVar("_In")
_Out = TypeVar("_Out")


def silent(_doing: str, _done: int, _total: int) -> None:
    pass


class Library:
    """The posts of one project as they stand on the disk."""

    def __init__(
        self, settings: Settings, cache: Cache, records: dict[str, Record], refused: Sequence[Finding]
    ):
        self.settings = settings
        self.site = settings.site
        self.cache = cache
        self._by_source = {f"posts/{record.name}": record for record in records.values()}
        self._found = [record.post for record in records.values() if record.post]
        self._said = [
            *refused,
            *(finding for name in sorted(records) for finding in records[name].findings),
        ]
        self.posts: list[Post] = []
        self.findings: list[Finding] = []
        self.settle({})

    def settle(self, first_seen: Mapping[str, datetime]) -> None:
        """Decide between posts that clash by their names, by which one the ledger knew first."""
        self.posts, twice = posts.duplicates(self._found, first_seen)
        self.findings = [*self._said, *twice]

    @property
    def withheld(self) -> set[str]:
        """Files that are there though they give no post, and ids of posts whose name is taken."""
        broken = {source for source, record in self._by_source.items() if record.post is None}
        refused = {finding.where for finding in self._said if finding.where not in self._by_source}
        return (broken | refused | {post.id for post in self._found}) - {post.id for post in self.posts}

    def held_back(self, name: str) -> Finding | None:
        """Why the file of this name gave no post, if there is such a file."""
        wanted = name if name.startswith("posts/") else f"posts/{name}"
        shown = {post.source for post in self.posts}
        for finding in self.findings:
            told = finding.where in (wanted, f"{wanted}.md", f"{wanted}/index.md")
            if told and finding.severity is Severity.ERROR and finding.where not in shown:
                return finding
        return None

    @classmethod
    @contextmanager
    def open(cls, settings: Settings, *, progress: Progress = silent) -> Iterator[Library]:
        """Read what changed. Broken posts are in `findings`; nothing is raised for them."""
        cache = Cache.open(settings.state / "cache.db", signature=_signature(settings))
        with closing(cache):
            sources, refused = files.scan(settings.posts)
            known = cache.records()
            stale = [
                source for source in sources if not _fresh(source, known.get(source.name), settings.posts)
            ]
            cache.forget(set(known) - {source.name for source in sources})
            records = {source.name: known[source.name] for source in sources if source.name in known}
            work = _Reading(root=settings.posts, site=settings.site)
            for made in in_batches(work.read, stale, doing="reading posts", progress=progress):
                cache.remember(made)
                records.update((record.name, record) for record, _ in made)
            yield cls(settings, cache, records, refused)

    def record(self, post: Post) -> Record:
        return self._by_source[post.source]

    def public(self, now: datetime, *, drafts: bool = False) -> list[Post]:
        """What readers may see at this instant; with `drafts`, everything that can be read."""
        return [post for post in self.posts if drafts or posts.public(post, now)]

    def full(self, post: Post) -> Post:
        """The post with its text, read again. Raises InputError where the file broke meanwhile."""
        record = self.record(post)
        raw = (self.settings.posts / record.name).read_bytes()
        reading = posts.read(raw, source=post.source, name=record.name, site=self.site)
        if reading.post is None:
            raise InputError(f"{post.source} cannot be read any more", findings=reading.findings)
        return replace(reading.post, id=post.id)

    def own_body(self, post: Post) -> str:
        """The body as the post's page shows it; links to other posts are placeholders."""
        return self.cache.body(self.record(post).name)

    def addresses(self, post: Post) -> Addresses:
        """How addresses in the post's text are resolved; for a rendering that the cache does not hold."""
        shelf = Shelf(root=self.settings.posts, name=self.record(post).name)
        return resolver(post, self.site, file=shelf.file, other=shelf.other, missing=lambda _: None)

    def asset(self, post: Post, address: str) -> Asset | None:
        return Shelf(root=self.settings.posts, name=self.record(post).name).file(address) if address else None

    def path_of(self, public: Iterable[Post]) -> Callable[[str], str | None]:
        """Where the post at a path below `posts/` (without its ending) has its page, if it is public."""
        paths = {_stem(self.record(post).name): post.path for post in public}
        return paths.get

    def errors(self) -> list[Finding]:
        return [finding for finding in self.findings if finding.severity is Severity.ERROR]


def related_findings(catalogue: Catalogue, library: Library, now: datetime) -> list[Finding]:
    """Related posts that do not exist, over all public posts."""
    from digest.relations import held_back

    reasons = {
        post.id: "a draft" if post.draft else "not public yet"
        for post in library.posts
        if not posts.public(post, now)
    }
    hidden = held_back(library.posts, reasons)
    return [
        finding for post in catalogue.posts if post.related for finding in catalogue.unknown(post, hidden)
    ]


def _stem(name: str) -> str:
    path, _, _ = name.rpartition(".")
    return path.removesuffix("/index") if path.endswith("/index") else path


def _signature(settings: Settings) -> str:
    """Changes with whatever changes a post's body beside the post: the program and its settings."""
    whole = hashlib.sha256(repr((digest.__version__, settings.document)).encode())
    for path in sorted(Path(digest.__file__).parent.rglob("*.py")):
        status = path.stat()
        whole.update(f"{path.name} {status.st_size} {status.st_mtime_ns}\n".encode())
    return whole.hexdigest()


def _fresh(source: Source, record: Record | None, root: Path) -> bool:
    if record is None or record.mtime_ns != source.mtime_ns or record.size != source.size:
        return False
    for name, mtime_ns, _ in record.assets:
        try:
            if os.stat(root / name).st_mtime_ns != mtime_ns:
                return False
        except OSError:
            return False
    return not any((root / name).exists() for name in record.absent)


# ---------------------------------------------------------------------------------------- the work


@dataclass(frozen=True, kw_only=True, slots=True)
class _Reading:
    root: Path
    site: Site

    def read(self, source: Source) -> tuple[Record, str]:
        """One file, from its bytes to its body."""
        findings: list[Finding] = []
        shelf = Shelf(root=self.root, name=source.name)
        try:
            raw = source.path.read_bytes()
        except OSError as error:
            findings.append(_unreadable(source, error))
            return _record(source, findings, shelf), ""
        reading = posts.read(raw, source=source.shown, name=source.name, site=self.site)
        findings += reading.findings
        if reading.post is None:
            return _record(source, findings, shelf), ""
        post = reading.post
        addresses = resolver(post, self.site, file=shelf.file, other=shelf.other, missing=findings.append)
        try:
            made = body.own(post, self.site, addresses)
        except TooDeep:
            findings.append(_too_deep(source))
            return _record(source, findings, shelf), ""
        findings += _attachments(post, shelf)
        findings += _undescribed(post, made.html)
        light = replace(post, sections=())
        record = _record(
            source, findings, shelf, post=light, lead=made.lead, minutes=made.minutes, html=made.html
        )
        return record, made.html


def _record(
    source: Source,
    findings: Sequence[Finding],
    shelf: Shelf,
    *,
    post: Post | None = None,
    lead: str = "",
    minutes: int = 1,
    html: str = "",
) -> Record:
    key = hashlib.blake2b(html.encode() + repr(post).encode(), digest_size=16).hexdigest()
    return Record(
        name=source.name,
        mtime_ns=source.mtime_ns,
        size=source.size,
        findings=tuple(findings),
        post=post,
        lead=lead,
        minutes=minutes,
        body_key=key,
        assets=tuple(
            (name, os.stat(shelf.root / name).st_mtime_ns, asset)
            for name, asset in sorted(shelf.found.items())
        ),
        absent=tuple(sorted(shelf.absent)),
        linked=linked(html),
    )


def _unreadable(source: Source, error: OSError) -> Finding:
    says = f"it cannot be read: {error.strerror}"
    return Finding(severity=Severity.ERROR, where=source.shown, says=says, cure="check its permissions")


def _too_deep(source: Source) -> Finding:
    return Finding(
        severity=Severity.ERROR,
        where=source.shown,
        says="lists, quotations or HTML are nested more than 100 deep",
        cure="write it flatter",
    )


def _attachments(post: Post, shelf: Shelf) -> list[Finding]:
    """The picture for link previews and the attached files must exist."""
    wanted = [
        *(("enclosures", name) for name in post.enclosures),
        *((("image", post.image),) if post.image else ()),
    ]
    return [
        Finding(
            severity=Severity.ERROR,
            where=post.source,
            line=1,
            says=f"{key}: there is no file {name!r} beside the post",
            cure="put it there, or mend the path",
        )
        for key, name in wanted
        if "://" not in name and shelf.file(name) is None
    ]


def _undescribed(post: Post, html: str) -> list[Finding]:
    count = html.count(' alt=""')
    if not count:
        return []
    pictures = "a picture has" if count == 1 else f"{count} pictures have"
    return [
        Finding(
            severity=Severity.WARNING,
            where=post.source,
            says=f"{pictures} no alternative text",
            cure="write what it shows: ![Bars: 31 and 23 per cent](file.png)",
        )
    ]


# --------------------------------------------------------------------------------- several at once

_shared: tuple[Callable[[Any], Any], Sequence[Any]] | None = None
"""What forked processes find in place: the work and its items, so that only their numbers travel."""


def _run(span: tuple[int, int]) -> list[Any]:
    assert _shared is not None
    work, items = _shared
    return [work(item) for item in items[span[0] : span[1]]]


def in_batches(
    work: Callable[[_In], _Out],
    items: Sequence[_In],
    *,
    doing: str,
    progress: Progress = silent,
    size: int = 64,
    alone: int = ALONE,
) -> Iterator[list[_Out]]:
    """Do one piece of work for each item, and yield what came of each batch, in the order of the items.

    With many items, as many processes as there are processors share them. They are forked, so that they
    have everything this process knows without a copy; where fork is not at hand, one process does it all.
    """
    global _shared
    total, done = len(items), 0
    spans = [(at, min(at + size, total)) for at in range(0, total, size)]
    jobs = min(_processors(), len(spans))
    if total < alone or jobs < 2 or threading.active_count() > 1:  # a fork would copy locked locks
        for start, end in spans:
            yield [work(item) for item in items[start:end]]
            progress(doing, end, total)
        return
    _shared = (work, items)
    gc.collect()
    gc.freeze()  # what is there now is never looked through again: its pages stay shared with the forks
    try:
        with multiprocessing.get_context("fork").Pool(jobs, initializer=_rarely_collect) as pool:
            for made in pool.imap(_run, spans):
                yield made
                done += len(made)
                progress(doing, done, total)
    finally:
        gc.unfreeze()
        _shared = None


def _rarely_collect() -> None:
    """Pages and posts are trees without cycles: nearly all that a forked process leaves is freed at once."""
    gc.set_threshold(100_000, 50, 50)


def _processors() -> int:
    """How many this process may use; 1 where fork cannot be trusted (it is safe on Linux alone)."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else 1
