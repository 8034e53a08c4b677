"""The finished bytes, read again as a mail program reads them.

It is done once an issue, with a letter to nobody, before any letter leaves: what a later letter may differ in
is checked value by value (see `reader`). A letter that fails here is a mistake of this program or of Python's
own reader, never of an author, and the issue is not sent: nothing that left can be called back.
"""

from __future__ import annotations

import email
import re
from collections.abc import Callable, Sequence
from email.message import EmailMessage, MIMEPart
from email.policy import default
from html import escape

from digest.errors import DigestError
from digest.model import PREFERENCES_URL, UNSUBSCRIBE_URL, Addressee, Email

_BARE = re.compile(rb"\r(?!\n)|(?<!\r)\n")
_LONGEST = 998  # octets of a line: RFC 5322, section 2.1.1
_TO_STUFF = re.compile(rb"^\.", re.M)  # RFC 5321, section 4.5.2
_LINE_ENDS = re.compile(r"\r\n?")


def prove(letter: bytes, mail: Email, reader: Addressee, names: Sequence[str]) -> None:
    """Raises DigestError unless the letter says exactly this, to this reader alone, in these headers."""
    for wrong in (_wrong_lines(letter), _wrong_message(letter, mail, reader, names)):
        if wrong:
            raise DigestError(
                f"the mail was not made as it was meant: {wrong}; nothing is sent",
                cure="this is a mistake in digest: please report it, with the .eml of `digest render`",
            )


def _wrong_lines(letter: bytes) -> str:
    if _BARE.search(letter) or not letter.endswith(b"\r\n"):
        return "a line does not end in CRLF"
    if max(map(len, letter.split(b"\r\n"))) > _LONGEST:
        return "a line is longer than 998 octets"
    return "a line begins with a full stop" if _TO_STUFF.search(letter) else ""


def _wrong_message(letter: bytes, mail: Email, reader: Addressee, names: Sequence[str]) -> str:
    message = email.message_from_bytes(letter, policy=default)
    assert isinstance(message, EmailMessage)
    if message.keys() != list(names):
        return f"its headers are {', '.join(message.keys())}"
    if [to.addr_spec for to in message["To"].addresses] != [reader.address]:
        return f"it is addressed to {message['To']}"
    parts = list(message.iter_parts())
    if message.defects or [part.get_content_type() for part in parts] != ["text/plain", "text/html"]:
        return "it has other parts than text and HTML"
    expected = [_addressed(mail.text, reader, lambda url: url), _addressed(mail.html, reader, escape)]
    return "" if [_content(part) for part in parts] == expected else "its parts say something else"


def _addressed(text: str, reader: Addressee, written: Callable[[str], str]) -> str:
    with_links = text.replace(UNSUBSCRIBE_URL, written(reader.leave_url)).replace(
        PREFERENCES_URL, written(reader.preferences_url)
    )
    return _LINE_ENDS.sub("\n", with_links)


def _content(part: MIMEPart) -> str:
    payload = part.get_payload(decode=True)
    assert isinstance(payload, bytes)
    return payload.decode().replace("\r\n", "\n")
