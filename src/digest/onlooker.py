"""Looks at a project without leaving a trace: what the preview and `digest check` work with.

Looking at posts is normally remembered, so that a renamed file is known again. A preview shows drafts that
may never be, and `--now` may say any day; so both look at a copy of the ledger, which is thrown away, and
keep what they make in a state folder of their own, apart from that of `digest build`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from digest.errors import StoreError
from digest.issues import Desk, keeper, look, mailed_issues, newsletter_of
from digest.library import Library
from digest.publish import Memory
from digest.settings import Settings
from digest.store import Store


class Apart(Settings):
    """The same settings with a state folder of their own: another cache, another lock, other outputs."""

    def __init__(self, settings: Settings, state: Path) -> None:
        super().__init__(settings.root, settings.document)
        self._state = state

    @property
    def state(self) -> Path:
        return self._state


@contextmanager
def onlooking(settings: Settings) -> Iterator[tuple[Store, bool]]:
    """The store to look at, and whether it may be told what was seen. Raises StoreError.

    A SQLite file is copied, also where there is none yet, and the copy brought up to date; what is done to it
    is forgotten. Another database is opened itself and must not be told anything.
    """
    scheme, _, rest = settings.store_url.partition(":///")
    if not scheme.startswith("sqlite"):
        with Store.open(settings.store_url, project=settings.root) as store:
            yield store, False
        return
    with TemporaryDirectory(prefix="digest-") as folder:
        copy = Path(folder) / "digest.db"
        copy_database(settings.root / rest.partition("?")[0], copy)
        with Store.open(f"sqlite:///{copy}", project=settings.root) as store:
            yield store, True


@contextmanager
def onlooking_desk(settings: Settings, now: datetime) -> Iterator[Desk]:
    """The desk of a project over such a store. Raises SettingsError where there is no [newsletter]."""
    newsletter = newsletter_of(settings)
    with Library.open(settings) as library, onlooking(settings) as (store, forgets):
        yield Desk(library, store, newsletter, now, record=forgets)


def memory_of(settings: Settings, now: datetime, library: Library) -> Memory:
    """What a build asks of the ledger, without the ledger's being told."""
    with onlooking(settings) as (store, forgets):
        look(library, store, keeper(settings), now, record=forgets)
        return Memory(issues=mailed_issues(library, store, now), first_ids=store.first_ids())


def copy_database(original: Path, copy: Path) -> None:
    """A SQLite file as it is at one moment, with what its log still holds; nothing where there is none."""
    if not original.is_file():
        return
    try:
        with (
            closing(
                sqlite3.connect(f"{original.resolve().as_uri()}?mode=ro", uri=True, timeout=30)
            ) as source,
            closing(sqlite3.connect(copy)) as target,
        ):
            source.backup(target)
    except sqlite3.Error as error:
        raise StoreError(f"{original} cannot be read: {error}", cure="put back the newest backup") from error
