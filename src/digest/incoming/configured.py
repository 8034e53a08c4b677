"""Returned mail of a project: the place in its settings, its own marks, and its store brought together.

`read_configured` is what `digest run` does every few minutes; `digest bounces` reads what it is given in the
same way.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from datetime import datetime
from email.utils import parseaddr
from pathlib import Path

from digest.bounces import Marks
from digest.compose.addresses import read_return_path
from digest.incoming.acting import Report, read_returns
from digest.incoming.imap import ImapAccount, from_imap
from digest.incoming.sources import Incoming, from_maildir
from digest.model import Newsletter
from digest.settings import Settings
from digest.store import Store
from digest.store.returns import mailed_with, may_leave
from digest.subscribers.tokens import Keys


def read_configured(settings: Settings, store: Store, now: datetime) -> Report | None:
    """Reads the Maildir or mailbox of [bounces] to its end; None where there is neither.

    What is wrong with the place is the report's `stopped`; only a secret that cannot be had and a store that
    cannot be read raise.
    """
    source = configured_mail(settings)
    return None if source is None else read_into(settings, store, source, now)


def read_into(settings: Settings, store: Store, source: Generator[Incoming], now: datetime) -> Report:
    """Reads a source to its end, and has the store do what follows."""
    newsletter = settings.newsletter
    own = marks(newsletter, store.people.keys(now), store.returns.moves)
    return read_returns(source, store.returns, own, now=now)


def configured_mail(settings: Settings) -> Generator[Incoming] | None:
    """The messages at the place that [bounces] names; nothing is opened before the first is asked for."""
    if folder := settings.bounces.maildir:
        return from_maildir(settings.root / folder)
    return from_imap(account(settings)) if settings.bounces.host else None


def account(settings: Settings) -> ImapAccount:
    """The mailbox of [bounces], with its password in plain. Raises SettingsError."""
    table = settings.bounces
    return ImapAccount(
        host=table.host,
        port=table.port,
        username=table.username,
        password=settings.reveal(table.password, "bounces.password"),
        folder=table.folder,
        move_to=table.move_to,
        trusted=str(settings.root / Path(table.ca_file)) if table.ca_file else "",
    )


def marks(newsletter: Newsletter | None, keys: Keys, moves: Callable[[int], int]) -> Marks:
    """A mark is ours where we have signed it, whatever else an address looks like.

    `moves` tells how often a reader changed their address.
    """

    def verp(address: str) -> tuple[int, str] | None:
        found = read_return_path(address)
        return found if found and mailed_with(keys, found[1], found[0], moves) is not None else None

    return Marks(verp=verp, leave=_leaving(newsletter, keys))


def _leaving(newsletter: Newsletter | None, keys: Keys) -> Callable[[str], str | None]:
    """`leave@example.org` and `leave+TOKEN@example.org`; the address of the settings, or the sender's.

    Mail to the sender's address is an answer like any other, unless it has a token.
    """
    own = newsletter.leave_by_mail if newsletter else ""
    sender = parseaddr(newsletter.sender)[1] if newsletter else ""
    local, _, domain = (own or sender).lower().rpartition("@")

    def leave(address: str) -> str | None:
        named, _, host = address.strip().lower().rpartition("@")
        name, plus, token = named.partition("+")
        if not local or (name, host) != (local, domain):
            return None
        if plus and may_leave(keys, token) is not None:
            return token
        return "" if own else None

    return leave
