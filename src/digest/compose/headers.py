"""One line of a header, from words that an author or a reader wrote.

Free text is written as it is where that is safe, and else as encoded words (RFC 2047). Text that only looks
like an encoded word is encoded itself, or a title could be read as something else. Addresses and identifiers
(List-*, Message-ID, Feedback-ID) are ASCII and are never encoded, however long they are: Python's `email`
package encodes a List-Unsubscribe from sixty characters on, and then nobody can leave with one click.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator

from digest.compose.addresses import CONTROL, Mailbox
from digest.errors import DigestError, InputError

COLUMNS, LONGEST = 76, 998
"""What a line should have and must not exceed: RFC 5322, section 2.1.1, says 78 and 998, and RFC 2047,
section 2, says 76 for a line with an encoded word; 76 obeys both."""
_SPACE = re.compile(r"(?<=[^ ]) (?=[^ ])")
_OPEN, _SHUT = "=?utf-8?b?", "?="


def field(name: str, value: str) -> bytes:
    """A header as it stands, folded at single spaces where it is longer than 76 columns.

    Raises DigestError for what no header may hold. Only an international address is not ASCII (RFC 6532).
    """
    lines = _folded(f"{name}:", value)
    if (not value.isprintable() and CONTROL.search(value)) or max(map(len, lines)) > LONGEST:
        raise DigestError(
            f"the mail's {name} holds a character that no header may hold, or is far too long",
            cure="write plain text",
        )
    return ("\r\n".join(lines) + "\r\n").encode()


def words(name: str, text: str) -> bytes:
    """A header of free text, such as Subject. Raises DigestError for a control character."""
    _refuse_control(name, text)
    if _is_plain(text) and max(map(len, _folded(f"{name}:", text))) <= COLUMNS:
        return field(name, text)
    return field(name, " ".join(_encoded(text, COLUMNS - len(name) - 2)))


def mailbox_field(name: str, who: Mailbox) -> bytes:
    """A header with one name and one address, which has passed `is_address`: From, To, Reply-To."""
    if not who.name:
        return field(name, who.address)
    return field(name, f"{phrase(name, who.name)} <{who.address}>")


def phrase(name: str, text: str) -> str:
    """A display name for the header `name`: a quoted string (RFC 5322, section 3.2.4), or encoded words."""
    _refuse_control(name, text)
    quoted = '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if _is_plain(text) and max(map(len, _folded(f"{name}:", quoted))) <= COLUMNS:
        return quoted
    return " ".join(_encoded(text, COLUMNS - len(name) - 2))


def _refuse_control(name: str, text: str) -> None:
    if CONTROL.search(text):
        raise InputError(f"the mail's {name} holds a control character: {text!r}", cure="take it out")


def _is_plain(text: str) -> bool:
    return text.isascii() and "=?" not in text and text == text.strip(" ")


def _folded(start: str, value: str) -> list[str]:
    """The lines of a header: as many words on each as fit (RFC 5322, section 2.2.3)."""
    lines = [start]
    for word in _SPACE.split(value) if value else ():
        alone = lines == [start] and len(word) >= COLUMNS  # a line of its own would be too long as well
        if alone or len(lines[-1]) + 1 + len(word) <= COLUMNS:
            lines[-1] += f" {word}"
        else:
            lines.append(f" {word}")
    return lines


def _encoded(text: str, room: int) -> Iterator[str]:
    """Encoded words of whole characters; the first has `room` columns, the others a line of their own."""
    held = b""
    for character in text:
        letter = character.encode()
        if held and len(_OPEN + _SHUT) + -(-(len(held) + len(letter)) // 3) * 4 > room:
            yield _OPEN + b64encode(held).decode() + _SHUT
            held, room = b"", COLUMNS - 1
        held += letter
    yield _OPEN + b64encode(held).decode() + _SHUT
