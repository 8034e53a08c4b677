"""One `digest run` a project: the second is told who is there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from filelock import FileLock, Timeout

from digest.settings import Settings
from digest.store import Store


@contextmanager
def alone(settings: Settings, now: datetime) -> Iterator[str]:
    """Who is running already, in words, or nothing: then none other can as long as this lasts."""
    settings.state.mkdir(parents=True, exist_ok=True)
    lock = FileLock(settings.state / "run.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        yield f"already running ({_told(settings.state)})"
        return
    try:
        with Store.open(settings.store_url, project=settings.root) as store, store.runs.only_one() as ours:
            if ours:
                _tell(settings.state, now)
            yield "" if ours else "already running on another machine with this database"
    finally:
        lock.release()


def _tell(state: Path, now: datetime) -> None:
    (state / "run.pid").write_text(f"pid {os.getpid()} since {now.isoformat()}\n", "ascii")


def _told(state: Path) -> str:
    """Beside the lock, which is empty: what locks a file may empty it."""
    try:
        return (state / "run.pid").read_text("ascii").strip()
    except OSError:
        return "it has not said since when"
