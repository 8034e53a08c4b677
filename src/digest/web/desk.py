"""What every route works with: the open store, the clock, the settings as they are now, the pages.

The settings are looked at with each request that is no file (one `stat`), the author's templates and words
every two seconds: who changes them need not start anything anew. A mistake in settings or words leaves in
force what was before.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol, TypeAlias

from digest import settings as settings_
from digest.errors import DigestError
from digest.model import Newsletter, Notice, NoticeKind, Site
from digest.publish.edition import issue_feed, main_feed
from digest.settings import FILE, Settings
from digest.store import Store
from digest.theme import Theme
from digest.web.pages import Pages

_KEYS_FOR = 60.0
"""Seconds until the keys for tokens are read anew: somebody may have renewed them."""
_LOOKED_FOR = 2.0
"""Seconds until the author's templates are looked at anew."""
_AN_HOUR = timedelta(hours=1)

_Stamp: TypeAlias = tuple[int, int]
"""When the settings were written, and which templates there are."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Publication:
    """Settings, and the pages made of them: by the templates in force, and by the shipped ones alone."""

    settings: Settings
    site: Site
    newsletter: Newsletter | None
    pages: Pages
    shipped: Pages
    """For when the author's templates cannot be used."""

    @classmethod
    def of(cls, settings: Settings) -> Publication:
        """Raises TemplateError for an author's template that cannot be used."""
        site, newsletter = settings.site, settings.newsletter
        pages, shipped = (
            Pages(
                Theme(folder, language=site.language, timezone=site.timezone),
                site,
                newsletter,
                signup=settings.web.signup,
                feeds=[main_feed(site), *([issue_feed(site)] if newsletter else [])],
            )
            for folder in (settings.templates, None)
        )
        return cls(settings=settings, site=site, newsletter=newsletter, pages=pages, shipped=shipped)


class Wakes(Protocol):
    """Is told that there is mail to send."""

    def __call__(self) -> None: ...


class Desk:
    """One a process; its methods may be called from any thread."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        clock: Callable[[], datetime],
        *,
        wake: Wakes = lambda: None,
        tell: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.store = store
        self.clock = clock
        self.wake = wake
        self.tell = tell
        self._told: dict[str, datetime] = {}
        self._lock = threading.Lock()
        self._looked, self._templates = clock().timestamp(), _templates(settings.templates)
        self._stamp = _stamp(settings), self._templates
        self._publication = Publication.of(settings)
        # Read before anybody asks: where there are none yet they are made, and no GET may change the store.
        self._keys = self._read_keys(clock())

    @property
    def now(self) -> datetime:
        return self.clock()

    @property
    def publication(self) -> Publication:
        """As settings, templates and words are now, or were before they were broken."""
        settings = self._publication.settings
        at = self.clock().timestamp()
        if not self._looked <= at < self._looked + _LOOKED_FOR:
            self._looked, self._templates = at, _templates(settings.templates)
        stamp = _stamp(settings), self._templates
        if stamp != self._stamp:
            with self._lock:
                self._renew(stamp)
        return self._publication

    @property
    def signs_up(self) -> bool:
        """Whether readers may sign up, as the settings are now."""
        settings = self.publication.settings
        return settings.web.signup and settings.newsletter is not None

    @property
    def keys(self) -> Sequence[bytes]:
        """The keys for readers' tokens, newest last."""
        now = self.clock()
        at = now.timestamp()
        if not self._keys[0] <= at < self._keys[0] + _KEYS_FOR:
            self._keys = self._read_keys(now)
        return self._keys[1]

    def _read_keys(self, now: datetime) -> tuple[float, tuple[bytes, ...]]:
        return now.timestamp(), self.store.people.keys(now).tokens

    def mind(self, kind: NoticeKind, says: str, *, cure: str) -> None:
        """Something that the author must hear: a line in the log, and a notice until it is answered."""
        if self.tell_hourly(f"{says}; {cure}"):
            self.store.notices.add(Notice(kind=kind, says=says, cure=cure, at=self.now))

    def tell_hourly(self, says: str) -> bool:
        """Says it in the log, once an hour at most; whether it did."""
        at, before = self.now, self._told.get(says)
        if before is not None and at - before < _AN_HOUR:
            return False
        self._told[says] = at
        self.tell(says)
        return True

    def _renew(self, stamp: _Stamp) -> None:
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            made = Publication.of(settings_.load(self._publication.settings.root, os.environ))
            made.pages.language()  # reads the words, which may be broken
        except DigestError as error:
            wrong = error.findings[0] if error.findings else error
            self.tell(f"settings or words as they are now cannot be used, the former stay: {wrong}")
        else:
            self._publication = made


def _stamp(settings: Settings) -> int:
    try:
        return os.stat(settings.root / FILE).st_mtime_ns
    except OSError:
        return 0


def _templates(folder: Path) -> int:
    """Another number for other templates; a folder's own time tells of files that came or went."""
    try:
        found = [folder, *folder.rglob("*")] if folder.is_dir() else []
        return hash(tuple((path, path.stat().st_mtime_ns) for path in found))
    except OSError:  # an editor is just putting another in the place of one
        return 0
