"""Which of the places is read: what the command names, else what the settings say."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import BinaryIO

from digest.errors import UsageError
from digest.incoming.imap import ImapAccount, from_imap
from digest.incoming.sources import Incoming, from_file, from_maildir, from_stream


def returned_mail(
    where: str,
    stdin: BinaryIO,
    *,
    maildir: Path | None = None,
    account: ImapAccount | None = None,
) -> Generator[Incoming]:
    """The messages at `where`: `-` is standard input, a folder a Maildir, anything else a file.

    Where it is empty, those of the Maildir or the account in the settings; raises UsageError where there is
    neither. Nothing is opened before the first message is asked for.
    """
    if where == "-":
        return from_stream(stdin)
    if where:
        return from_maildir(Path(where)) if Path(where).is_dir() else from_file(Path(where))
    if maildir is not None:
        return from_maildir(maildir)
    if account is not None:
        return from_imap(account)
    raise UsageError(
        "there is no returned mail to read",
        cure="name a file, a Maildir or -, or give maildir or host in [bounces]",
    )
