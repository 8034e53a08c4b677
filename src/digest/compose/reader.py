"""The values of one reader, checked and encoded for their gaps.

Why the values are checked and not each finished letter: a letter is fixed bytes, proved once an issue
(`proof`), with these values in its gaps. Each value has to match the whole of a grammar that holds no CR, no
LF, no space and none of the signs that end its place (`<`, `>`, `"`), or is a display name that is quoted or
encoded. So no value can begin a line, a header or an address of its own, whatever it says, and a letter that
is read again can only give what the proof gave. It costs a microsecond or two; reading a letter again costs a
thousand times as much.
"""

from __future__ import annotations

import re
from enum import IntEnum
from html import escape

from digest.compose.addresses import DOMAIN, DOT_ATOM, Mailbox, is_address
from digest.compose.headers import COLUMNS, field, mailbox_field
from digest.compose.quoting import quoted_word
from digest.errors import InputError, SettingsError
from digest.model import Addressee

_URI = r"[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]"  # RFC 3986, appendix A
_LONGEST = 900
"""Characters of an address, so that its header stays under 998 octets."""
_WEB = re.compile(rf"https?://{_URI}{{1,{_LONGEST}}}")
_MAILTO = re.compile(rf"mailto:{_URI}{{1,{_LONGEST}}}|")
_MESSAGE_ID = re.compile(rf"(?!.*=\?){DOT_ATOM}@{DOMAIN}")


class Gap(IntEnum):
    """The places of a letter that are a reader's own; a value's number in what `values` returns."""

    TO = 0
    MESSAGE_ID = 1
    LIST_UNSUBSCRIBE = 2
    LEAVE_IN_TEXT = 3
    PREFERENCES_IN_TEXT = 4
    LEAVE_IN_HTML = 5
    PREFERENCES_IN_HTML = 6


def values(reader: Addressee) -> tuple[bytes, ...]:
    """What goes into each `Gap`: three headers whole, then the links for each part.

    Raises InputError for a reader who cannot be written to; the others are not concerned.
    """
    leave, preferences = reader.leave_url, reader.preferences_url
    if not (
        is_address(reader.address)
        and _WEB.fullmatch(leave)
        and _WEB.fullmatch(preferences)
        and _MESSAGE_ID.fullmatch(reader.message_id)
        and _MAILTO.fullmatch(reader.leave_mailto)
    ):
        raise _refused(reader)
    leave_in_text = quoted_word(leave)
    preferences_in_text = quoted_word(preferences)
    return (
        _to(reader),
        field("Message-ID", f"<{reader.message_id}>"),
        field("List-Unsubscribe", _ways_to_leave(reader)),
        leave_in_text,
        preferences_in_text,
        _in_html(leave, leave_in_text),
        _in_html(preferences, preferences_in_text),
    )


def sole(reader: Addressee) -> dict[str, bytes]:
    """To and Message-ID of a letter that is one reader's alone, and List-Unsubscribe where they can leave.

    Without a name and without links it is written to somebody who is no reader yet. Raises InputError.
    """
    leaves = bool(reader.leave_url)
    if not (
        is_address(reader.address)
        and _MESSAGE_ID.fullmatch(reader.message_id)
        and (not leaves or (_WEB.fullmatch(reader.leave_url) and _MAILTO.fullmatch(reader.leave_mailto)))
    ):
        raise _refused(reader)
    return {
        "To": _to(reader),
        "Message-ID": field("Message-ID", f"<{reader.message_id}>"),
        **({"List-Unsubscribe": field("List-Unsubscribe", _ways_to_leave(reader))} if leaves else {}),
    }


def checked_uri(uri: str) -> str:
    """An address for a header that is the same for everyone. Raises SettingsError for what is none."""
    if _WEB.fullmatch(uri) or (uri and _MAILTO.fullmatch(uri)):
        return uri
    raise SettingsError(f"{uri!r} is no address", cure="write https://... or mailto:..., in plain letters")


def _to(reader: Addressee) -> bytes:
    """As `mailbox_field` has it; most names need nothing of what it can do, and this is on every letter."""
    name = reader.name
    line = f'To: "{name}" <{reader.address}>'
    if (
        name
        and len(line) <= COLUMNS
        and line.isascii()
        and line.isprintable()
        and '"' not in name
        and "\\" not in name
        and "=?" not in name
        and name[0] != " " != name[-1]
    ):
        return line.encode("ascii") + b"\r\n"
    return mailbox_field("To", Mailbox(name=name, address=reader.address))


def _ways_to_leave(reader: Addressee) -> str:
    """https first, which is the one that RFC 8058 means; then mail (RFC 2369, section 3.2)."""
    if not reader.leave_mailto:
        return f"<{reader.leave_url}>"
    return f"<{reader.leave_url}>, <{reader.leave_mailto}>"


def _in_html(url: str, in_text: bytes) -> bytes:
    return quoted_word(escape(url)) if "&" in url or "'" in url else in_text


def _refused(reader: Addressee) -> InputError:
    """Which of the values it is; said here, so that the check itself stays short."""
    if not is_address(reader.address):
        return InputError(
            f"{reader.address!r} is no address that mail can be sent to",
            cure="correct or remove the subscriber",
        )
    return InputError(
        f"a link or the Message-ID for {reader.address} holds a character that no address may hold",
        cure="look at [site] url and at the addresses in [newsletter]",
    )
