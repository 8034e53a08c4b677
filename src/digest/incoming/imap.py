"""The mailbox on a server: IMAP (RFC 3501), by imap-tools.

Whatever is unseen is read without touching it (BODY.PEEK), no more of it than is looked at, and flagged as
seen once it was dealt with. What was understood is moved away where the settings name a folder; what was
not, a person's answer perhaps, stays for its reader. The connection is TLS, and the certificate is verified.
"""

from __future__ import annotations

import imaplib
import ssl
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Literal

from imap_tools import BaseMailBox, ImapToolsError, MailBox, MailBoxUnencrypted
from imap_tools.errors import UnexpectedCommandStatusError
from imap_tools.utils import encode_folder

from digest.bounces import LIMIT, clean
from digest.errors import MailboxError
from digest.incoming.sources import Incoming

Security = Literal["tls", "starttls", "none"]


@dataclass(frozen=True, kw_only=True, slots=True)
class ImapAccount:
    """Whose mailbox, and where. `port` 0 is the usual one; `trusted` is a file of certificates instead of
    the system's."""

    host: str
    username: str
    password: str = field(repr=False)
    port: int = 0
    security: Security = "tls"
    folder: str = "INBOX"
    move_to: str = ""
    timeout: float = 60.0
    trusted: str = ""


def from_imap(account: ImapAccount) -> Generator[Incoming]:
    """The unseen messages of the folder, oldest first. Raises MailboxError where the server fails."""
    with _speaking(account), _mailbox(account) as mailbox:
        able = _capabilities(mailbox) if account.move_to else frozenset()
        for uid in mailbox.uids("UNSEEN", charset=None):
            content, trouble = _fetched(mailbox, uid)
            if content or trouble:
                yield Incoming(
                    name=f"{account.folder}, message {uid}",
                    content=content,
                    done=_Done(account=account, mailbox=mailbox, uid=uid, able=able),
                    trouble=trouble,
                )


# --------------------------------------------------------------------------------------- connection


@contextmanager
def _mailbox(account: ImapAccount) -> Iterator[BaseMailBox]:
    mailbox = _connected(account)
    try:
        # LOGIN speaks ASCII alone; other letters take SASL (RFC 4616).
        plain = (account.username + account.password).isascii()
        login = mailbox.login if plain else mailbox.login_utf8
        login(account.username, account.password, initial_folder=None)
        mailbox.folder.set(account.folder)
        yield mailbox
    finally:
        # The work is done or has failed already; a farewell that fails changes neither.
        with suppress(OSError, imaplib.IMAP4.error, ImapToolsError):
            mailbox.logout()
        with suppress(OSError):
            mailbox.client.shutdown()


def _connected(account: ImapAccount) -> BaseMailBox:
    host, timeout = account.host, account.timeout
    if account.security == "tls":
        return MailBox(host, account.port or 993, timeout=timeout, ssl_context=_context(account))
    context = _context(account) if account.security == "starttls" else None
    mailbox = MailBoxUnencrypted(host, account.port or 143, timeout=timeout)
    if context is not None:
        _secure(mailbox, context)
    return mailbox


def _secure(mailbox: BaseMailBox, context: ssl.SSLContext) -> None:
    """STARTTLS, or nothing is said. imap-tools' own way leaves the connection open where that fails."""
    try:
        mailbox.client.starttls(context)
    except BaseException:
        mailbox.client.shutdown()
        raise


def _context(account: ImapAccount) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=account.trusted or None)
    except OSError as error:
        raise MailboxError(
            f"{account.trusted}: it holds no certificates ({error.strerror or error})",
            cure="name a file of certificates in PEM, or leave `ca_file` out",
        ) from None


def _capabilities(mailbox: BaseMailBox) -> frozenset[str]:
    """What the server can do for whom is logged in: many tell less before."""
    _, answer = mailbox.client.capability()
    return frozenset(b" ".join(part for part in answer if part).decode("ascii", "replace").upper().split())


@contextmanager
def _speaking(account: ImapAccount) -> Iterator[None]:
    """Whatever fails between us and the server, said in one sentence, without the password."""
    try:
        yield
    except ssl.SSLError as error:
        why = getattr(error, "verify_message", "") or error.reason or "TLS failed"
        raise _failed(account, f"its certificate was not accepted ({why})", _CERTIFICATE) from None
    except OSError as error:
        raise _failed(account, f"no connection ({error.strerror or error})", _REACH) from None
    except (imaplib.IMAP4.error, ImapToolsError) as error:
        says = clean(_words(error).replace(account.password or "\0", "***"))
        raise _failed(account, f"it refused: {says}", _REFUSED) from None


_CERTIFICATE = "check the host's name in [bounces]; a certificate of your own goes into `ca_file`"
_REACH = "check host and port in [bounces]; what was read is kept, and the rest waits"
_REFUSED = "check username, password and folder in [bounces]; what was read is kept, and the rest waits"


def _words(error: Exception) -> str:
    """What the server said, without the frame that a library puts around it."""
    if isinstance(error, UnexpectedCommandStatusError):
        return " ".join(_decoded(part) for part in error.command_result[1] or [])
    return str(error)


def _decoded(part: object) -> str:
    return part.decode("utf-8", "replace") if isinstance(part, bytes) else str(part)


def _failed(account: ImapAccount, says: str, cure: str) -> MailboxError:
    return MailboxError(f"IMAP server {account.host}: {says}", cure=cure)


# ----------------------------------------------------------------------------------------- messages


def _fetched(mailbox: BaseMailBox, uid: str) -> tuple[bytes, str]:
    """The beginning of a message (RFC 3501, section 6.4.5), or why not; neither where it has gone."""
    try:
        answer = _asked(mailbox, "FETCH", uid, f"(BODY.PEEK[]<0.{LIMIT}>)")
    except imaplib.IMAP4.abort:
        raise  # not this message: the connection
    except imaplib.IMAP4.error as error:
        return b"", f"the server does not give it ({clean(str(error))})"
    return next((part[1] for part in answer if isinstance(part, tuple)), b""), ""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Done:
    account: ImapAccount
    mailbox: BaseMailBox
    uid: str
    able: frozenset[str]

    def __call__(self, understood: bool) -> None:
        with _speaking(self.account):
            _asked(self.mailbox, "STORE", self.uid, "+FLAGS.SILENT", r"(\Seen)")
            if understood and self.account.move_to:
                _move(self.mailbox, self.able, self.uid, self.account.move_to)


def _move(mailbox: BaseMailBox, able: frozenset[str], uid: str, folder: str) -> None:
    """MOVE (RFC 6851), or what stands for it.

    imap-tools would follow with an EXPUNGE, which removes whatever anyone has marked in this folder. So the
    copy's original is removed alone (UIDPLUS, RFC 4315), or where the server cannot do that stays, marked.
    """
    target = encode_folder(folder).decode("ascii")
    if "MOVE" in able:
        _asked(mailbox, "MOVE", uid, target)
        return
    _asked(mailbox, "COPY", uid, target)
    _asked(mailbox, "STORE", uid, "+FLAGS.SILENT", r"(\Deleted)")
    if "UIDPLUS" in able:
        _asked(mailbox, "EXPUNGE", uid)


def _asked(mailbox: BaseMailBox, command: str, *words: str) -> list[object]:
    status, answer = mailbox.client.uid(command, *words)
    if status != "OK":
        raise imaplib.IMAP4.error(f"{command}: {_decoded(answer[0]) if answer else status}")
    return list(answer or [])
