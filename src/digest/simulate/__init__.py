"""A year rehearsed with the author's own settings: `rehearse` gives its accounting, and what broke.

Everything that decides, writes, composes and delivers is the program itself, over a store and a folder of
posts that are thrown away afterwards. Made up are the clock (`clockwork`), the `readers`, the `author`, the
mail `server` and the moments at which a `process` dies; `year` brings them together, and the `judge` holds
what the server really took against what was promised.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

from digest.issues import newsletter_of
from digest.settings import Settings
from digest.settings.tables import DkimTable, StoreTable
from digest.simulate.account import Broken, Happened, IssueLine, Promise, Year
from digest.simulate.clockwork import Clockwork
from digest.simulate.process import in_a_hurry
from digest.simulate.year import Plan, Rehearsal
from digest.store import Store

_MEMORY = "/dev/shm"

__all__ = ["Broken", "Happened", "IssueLine", "Plan", "Promise", "Year", "rehearse"]


def rehearse(settings: Settings, plan: Plan) -> Year:
    """Raises SettingsError for a project without a newsletter. Nothing of the project itself is touched."""
    newsletter_of(settings)
    with TemporaryDirectory(prefix="digest-rehearsal-", dir=_in_memory()) as folder, in_a_hurry():
        own = _in(Path(folder), settings)
        with asyncio.Runner(loop_factory=Clockwork) as runner:
            return runner.run(_go(own, plan))


def _in_memory() -> str | None:
    """Where files are in memory and there is plenty of it; else the usual place."""
    try:
        return _MEMORY if os.access(_MEMORY, os.W_OK) and shutil.disk_usage(_MEMORY).free > 2**31 else None
    except OSError:
        return None


async def _go(settings: Settings, plan: Plan) -> Year:
    with Store.open(settings.store_url, project=settings.root) as store:
        return await Rehearsal(settings=settings, plan=plan, store=store).go()


def _in(folder: Path, settings: Settings) -> Settings:
    """The same settings in an empty folder, with the author's templates and a store of its own.

    Letters are not signed: the keys are for real mail, and signing would only take time.
    """
    (folder / "posts").mkdir()
    if settings.templates.is_dir():
        shutil.copytree(settings.templates, folder / "templates")
    delivery = settings.delivery.model_copy(update={"transport": "folder", "dkim": DkimTable()})
    document = settings.document.model_copy(update={"store": StoreTable(), "delivery": delivery})
    return Settings(Path(os.path.realpath(folder)), document, {})
