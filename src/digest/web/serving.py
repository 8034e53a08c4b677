"""`digest serve`: routes, files, the office that answers readers by mail, and the counts of feed readers.

All of it lives in one event loop. Told to stop, the server finishes what it answers, the office lands what is
on the wire, and what was counted is written; then this returns.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

from digest import mailing
from digest import settings as settings_
from digest.office import Office
from digest.settings import Settings
from digest.store import Store
from digest.subscribers.feed_readers import reported
from digest.web import app
from digest.web.desk import Desk
from digest.web.feed_counts import FeedCounts
from digest.web.limits import BodyLimits
from digest.web.log import Log
from digest.web.server import Server
from digest.web.shelf import Shelf
from digest.web.site import Application, AtHand, StaticSite

Tell = Callable[[str], None]


def serve(
    settings: Settings,
    sockets: Sequence[socket.socket],
    clock: Callable[[], datetime],
    *,
    out: Path,
    tell: Tell,
    log: Log,
    until_input_ends: bool = False,
) -> None:
    """Answers on these sockets until SIGTERM or SIGINT. `out` is the built site, which may come later.

    With `until_input_ends` also until standard input ends: with whoever has started this.
    """
    with Store.open(settings.store_url, project=settings.root) as store:
        office = Office(lambda: settings_.load(settings.root, os.environ), store, clock, tell=tell)
        counts = FeedCounts(store.feed_readers, clock, reported=reported, trouble=tell)
        desk = Desk(settings, store, clock, wake=office.wake, tell=tell)
        site = StaticSite(Shelf(out, settings.site), note_reader=counts.note)
        server = Server(whole(app.make(desk, site), site, log), sockets)
        mailing.run(
            _at_work(server, office if settings.newsletter else None, counts, watch_input=until_input_ends)
        )


def whole(routes: Application, site: StaticSite, log: Log) -> Application:
    """Files at hand are answered in front of the log and of all else, unless the log is to have them too."""
    bounded = BodyLimits(routes)
    if log.files:
        return log.around(AtHand(bounded, site))
    return AtHand(log.around(bounded), site)


async def _at_work(server: Server, office: Office | None, counts: FeedCounts, *, watch_input: bool) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def ending() -> None:
        stop.set()
        server.stop()
        if watch_input:
            loop.remove_reader(sys.stdin.fileno())

    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, ending)
    if watch_input:
        loop.add_reader(sys.stdin.fileno(), ending)
    beside = [asyncio.create_task(counts.work(stop))]
    if office:
        beside.append(asyncio.create_task(office.work(stop)))
    try:
        await server.serve()
    finally:
        stop.set()
        await asyncio.gather(*beside)
