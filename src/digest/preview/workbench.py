"""The project as it stands while its author writes: the last good site, what is wrong, what comes next.

A `Workbench` builds the site anew when it is told to, into a folder of its own, and remembers the last good
state of everything: a mistake is shown, and nothing that was there goes away for it. Mail and findings are
made when somebody looks at them, once a version. Nothing of this reaches the ledger or the public site.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from datetime import datetime
from itertools import count
from pathlib import Path
from secrets import token_hex
from zoneinfo import ZoneInfo

from digest import publish
from digest import settings as digest_toml
from digest.errors import DigestError
from digest.examine import in_order
from digest.library import Library, Progress, silent
from digest.model import Finding, Post, Severity
from digest.onlooker import Apart, memory_of, onlooking_desk
from digest.posts import public
from digest.preview.editions import Edition, Outlook, edition, outlook
from digest.preview.readers import ForReaders, check
from digest.publish import Built, Memory
from digest.schedule import spoken
from digest.settings import Settings

FOLDER = "preview"
_TOML_LINE = re.compile(r"at line (\d+)")


class Workbench:
    """Safe to use from several threads."""

    def __init__(self, settings: Settings, clock: Callable[[], datetime], *, drafts: bool) -> None:
        self.state = settings.state / FOLDER
        self.site_folder = self.state / "site"
        self.settings: Settings = Apart(settings, self.state)
        self.clock = clock
        self.drafts = drafts
        self.problems: tuple[Finding, ...] = ()
        """What is wrong with posts, templates or settings: something is not shown as it is written."""
        self.built: Built | None = None
        self.hidden: Mapping[str, str] = {}
        """Path of each page that readers do not see -> why."""
        self.version = ""
        self._run, self._numbers = token_hex(4), count(1)
        self._changed = threading.Condition()
        self._looking = threading.RLock()
        self._files: dict[str, str] = {}
        self._kept: dict[str, bytes] = {}
        self._editions: dict[int, Edition] = {}
        self._outlook: Outlook | None = None
        self._findings: list[Finding] | None = None
        self._for_readers: ForReaders | None = None

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.settings.site.timezone)

    # -- building

    def refresh(self, changed: Collection[Path] = (), *, progress: Progress = silent) -> None:
        """Build what changed, and wake whoever waits for a version. The author's mistakes are `problems`."""
        problems = self._read_settings()
        at_hand = self._pages_of(changed)
        try:
            built = publish.build(
                self.settings,
                now=self.clock(),
                out=self.site_folder,
                served=False,
                drafts=self.drafts,
                memory=self._look,
                progress=progress,
            )
        except DigestError as error:
            problems += as_findings(error)
            if self.built:  # what the clock asks for is tried again at the next save, not every second
                self.built = replace(self.built, next_public=None)
        else:
            self.built = built
            problems += [finding for finding in built.findings if finding.severity is Severity.ERROR]
            self._keep(at_hand)
        with self._looking:
            self._editions, self._outlook, self._findings = {}, None, None
            self._for_readers = None
        with self._changed:
            self.problems = tuple(problems)
            self.version = f"{self._run}-{next(self._numbers)}"
            self._changed.notify_all()

    def wait(self, version: str, seconds: float) -> str:
        """The present version, as soon as it is another than the one given, or after so many seconds."""
        with self._changed:
            self._changed.wait_for(lambda: self.version != version, timeout=seconds)
            return self.version

    def due(self) -> bool:
        """Whether the clock alone has changed the site: a post has become public."""
        when = self.built.next_public if self.built else None
        return when is not None and when <= self.clock()

    def kept_page(self, path: str) -> bytes | None:
        """The last good page of a post that cannot be read just now."""
        return self._kept.get(path)

    def _read_settings(self) -> list[Finding]:
        try:
            self.settings = Apart(digest_toml.load(self.settings.root), self.state)
        except DigestError as error:
            return as_findings(error)
        return []

    def _look(self, library: Library) -> Memory:
        """Called in the middle of a build, when the posts are read."""
        now = self.clock()
        self._files = {post.source: post.path for post in library.posts}
        self.hidden = {post.path: self._why_hidden(post) for post in library.posts if not public(post, now)}
        return memory_of(self.settings, now, library)

    def _why_hidden(self, post: Post) -> str:
        return "Draft" if post.draft else f"Public from {spoken(post.published, self.zone)}"

    def _pages_of(self, changed: Collection[Path]) -> dict[str, bytes]:
        """The pages of changed posts as they are before the build, by path."""
        found = {}
        for file in changed:
            source = (
                file.relative_to(self.settings.root).as_posix()
                if file.is_relative_to(self.settings.root)
                else ""
            )
            path = self._files.get(source, "")
            page = self.site_folder / path / "index.html"
            if path and page.is_file():
                found[path] = page.read_bytes()
        return found

    def _keep(self, at_hand: Mapping[str, bytes]) -> None:
        """Of posts that this build could not read, the page that was there before it."""
        there = set(self._files.values())
        gone = {path: page for path, page in at_hand.items() if path not in there}
        self._kept = {path: page for path, page in {**self._kept, **gone}.items() if path not in there}

    # -- looking

    def outlook(self) -> Outlook:
        """The issues that were cut and the ones to come. Raises DigestError."""
        with self._looking:
            if self._outlook is None:
                with onlooking_desk(self.settings, self.clock()) as desk:
                    self._outlook = outlook(desk)
            return self._outlook

    def edition(self, number: int) -> Edition:
        """One issue with its mail. Raises DigestError."""
        with self._looking:
            if number not in self._editions:
                with onlooking_desk(self.settings, self.clock()) as desk:
                    self._editions[number] = edition(desk, number)
            return self._editions[number]

    def for_readers(self) -> ForReaders:
        """The pages and mails that readers meet. Raises DigestError."""
        with self._looking:
            if self._for_readers is None:
                self._for_readers = ForReaders(self.settings, self.clock())
            return self._for_readers

    def findings(self) -> list[Finding]:
        """Everything that `digest check` would tell, and mistakes in the settings. Raises DigestError."""
        with self._looking:
            if self._findings is None:
                self._findings = in_order([*self.problems, *check(self.settings, self.clock())])
            return self._findings

    def counted_findings(self) -> int:
        """How many are known now, without looking for more."""
        return len(self._findings) if self._findings is not None else len(self.problems)


def as_findings(error: DigestError) -> list[Finding]:
    """What was raised, as places to show; TOML's own message knows its line."""
    if error.findings:
        return list(error.findings)
    line = _TOML_LINE.search(error.says)
    where, _, says = (
        error.says.partition(" ") if error.says.startswith(digest_toml.FILE) else ("digest", "", error.says)
    )
    return [
        Finding(
            severity=Severity.ERROR,
            where=where,
            line=int(line[1]) if line and where == digest_toml.FILE else None,
            says=says,
            cure=error.cure,
        )
    ]
