"""One build, top to bottom: what is stale is made, staged beside the site and moved in.

Two builds of one project wait for each other. What the last build made and this one does not is deleted.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from filelock import FileLock

from digest import files, posts
from digest.errors import InputError
from digest.files import Stage
from digest.library import Library, Progress, in_batches, related_findings, silent
from digest.model import Finding, Severity
from digest.publish import servers
from digest.publish.assets import asset_targets
from digest.publish.edition import Edition, Memory
from digest.publish.feed_targets import feed_targets
from digest.publish.page_targets import page_targets
from digest.publish.targets import Keys, Target
from digest.settings import Settings
from digest.theme import Theme
from digest.twins import twins_of


@dataclass(frozen=True, kw_only=True, slots=True)
class Built:
    """What a build did. `pages` counts all files of the site, `written` those that changed.

    The compressed twins of a file are counted as one with it.
    """

    out: Path
    posts: int
    pages: int
    written: int
    removed: int
    findings: tuple[Finding, ...]
    next_public: datetime | None
    """When the next post becomes public by its date; a build is due then."""
    feeds: tuple[str, ...] = ()
    """Paths of the feeds that can be followed, in every format; archives are not among them."""

    @property
    def failed(self) -> bool:
        return any(finding.severity is Severity.ERROR for finding in self.findings)


def build(
    settings: Settings,
    *,
    now: datetime,
    out: Path,
    drafts: bool = False,
    strict: bool = False,
    served: bool = True,
    memory: Callable[[Library], Memory] = lambda _: Memory(),
    progress: Progress = silent,
) -> Built:
    """Make the site of a project as readers may see it at `now`, in the folder `out`.

    Broken posts are left out and named in `Built.findings`; with `strict` any error raises InputError and
    nothing is written. Raises TemplateError, and BuildError when pages cannot be written; the old site is
    whole then. `memory` is asked, once the posts are read, for what the ledger adds to them. A folder that is
    not `served`, but looked at and thrown away, gets no compressed twins, and no server is told of it.
    """
    site = settings.site
    theme = Theme(settings.templates, language=site.language, timezone=site.timezone)
    settings.state.mkdir(parents=True, exist_ok=True)
    with (
        FileLock(settings.state / "build.lock"),
        Library.open(settings, progress=progress) as library,
    ):
        edition = Edition.of(library, theme, now, drafts=drafts, memory=memory(library))
        findings = [*library.findings, *related_findings(edition.catalogue, library, now)]
        if strict and any(finding.severity is Severity.ERROR for finding in findings):
            raise InputError("there are mistakes in posts, and --strict allows none", findings=findings)
        outputs, written, removed = _made(edition, out, served, progress)
        if served:
            servers.write(settings, theme, out)
        return Built(
            out=out,
            posts=len(edition.cards),
            pages=len(outputs),
            written=written,
            removed=removed,
            findings=tuple(findings),
            next_public=posts.next_public(library.posts, now),
            feeds=tuple(path for feed, _ in edition.feeds if not feed.archive for path in feed.paths),
        )


def _made(edition: Edition, out: Path, served: bool, progress: Progress) -> tuple[dict[str, str], int, int]:
    """Every file of the site with its key, how many were written, and how many removed."""
    cache = edition.library.cache
    keys = Keys(edition)
    targets = [*page_targets(edition, keys), *feed_targets(edition, keys), *asset_targets(edition)]
    before, here = cache.outputs(str(out)), files.existing(out)
    outputs = {path: target.key for target in targets for path in target.paths}

    def twins(path: str) -> list[str]:
        """An author's own `data.csv.gz` is not overwritten by the twin of `data.csv`."""
        return [twin for twin in twins_of(path) if twin not in outputs] if served else []

    stale = [
        target
        for target in targets
        if any(before.get(path) != target.key or path not in here for path in target.paths)
        or any(twin not in here for path in target.paths for twin in twins(path))
    ]
    if stale:  # no key until they are in place: a build that is killed while it moves leaves old and new
        unknown = dict.fromkeys([path for target in stale for path in target.paths], "")
        cache.replace_outputs(str(out), before | unknown)
    written = _write(stale, Stage.begin(out, here, twins), progress) if stale else 0
    gone = [path for path in before if path not in outputs and path in here]
    files.remove(out, [twin for path in gone for twin in twins(path)])
    removed = files.remove(out, gone)
    cache.replace_outputs(str(out), outputs)
    return outputs, written, removed


def _write(stale: Sequence[Target], stage: Stage, progress: Progress) -> int:
    def make(target: Target) -> int:
        return sum([stage.put(page) for page in target.make()])

    try:
        batches = in_batches(make, stale, doing="making pages", progress=progress, size=32)
        written = sum(sum(batch) for batch in batches)
        if written:
            stage.publish()
        return written
    finally:
        stage.drop()
