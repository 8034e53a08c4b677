"""One letter, built from nothing in the simplest way: the oracle that `compose` is compared with.

Nothing is shared with the code it checks. Values are put into text and HTML first, between two marks, and the
whole is encoded byte by byte; a mark asks for a line of its own.
"""

from __future__ import annotations

import base64
import hashlib
from datetime import datetime
from email.utils import format_datetime
from html import escape

from digest.model import PREFERENCES_URL, UNSUBSCRIBE_URL, Addressee, Email

OPENS, CLOSES = "\ufdd0", "\ufdd1"
"""Characters that are no characters (Unicode, section 23.7): no text has them."""


def slow_letter(
    email: Email, reader: Addressee, *, title: str, sender: tuple[str, str], number: int, date: datetime
) -> bytes:
    """The letter of an issue of `https://letters.example.org` to one reader."""
    boundary = "=_" + hashlib.sha256((email.text + "\0" + email.html).encode()).hexdigest()[:24]
    ways = f"<{reader.leave_url}>" + (f", <{reader.leave_mailto}>" if reader.leave_mailto else "")
    headers = [
        ("From", mailbox("From", *sender)),
        ("To", mailbox("To", reader.name, reader.address)),
        ("Subject", free_text("Subject", email.subject)),
        ("Date", format_datetime(date)),
        ("Message-ID", f"<{reader.message_id}>"),
        ("List-Id", f"{phrase('List-Id', title)} <issues.letters.example.org>"),
        ("List-Unsubscribe", ways),
        ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
        ("List-Help", f"<mailto:{sender[1]}>"),
        ("List-Archive", "<https://letters.example.org/issues/>"),
        ("Feedback-ID", f"{number}:letters.example.org:issue:lettersexampleo"),
        ("Precedence", "bulk"),
        ("Auto-Submitted", "auto-generated"),
        ("Content-Language", "en"),
        ("MIME-Version", "1.0"),
        ("Content-Type", f'multipart/alternative; boundary="{boundary}"'),
    ]
    out = "".join(folded(name, value) for name, value in headers).encode() + b"\r\n"
    for kind, text in (
        ("plain", addressed(email.text, reader)),
        ("html", addressed(email.html, reader, True)),
    ):
        out += f"--{boundary}\r\nContent-Type: text/{kind}; charset=utf-8\r\n".encode()
        out += b"Content-Transfer-Encoding: quoted-printable\r\n\r\n" + quoted_printable(text) + b"\r\n"
    return out + f"--{boundary}--\r\n".encode()


def addressed(text: str, reader: Addressee, in_html: bool = False) -> str:
    leave, preferences = reader.leave_url, reader.preferences_url
    if in_html:
        leave, preferences = escape(leave), escape(preferences)
    text = text.replace(UNSUBSCRIBE_URL, OPENS + leave + CLOSES)
    return text.replace(PREFERENCES_URL, OPENS + preferences + CLOSES)


def plain(text: str) -> str:
    """Without marks, with one kind of line end: what a mail program shows."""
    return text.replace(OPENS, "").replace(CLOSES, "").replace("\r\n", "\n").replace("\r", "\n")


def quoted_printable(text: str) -> bytes:
    """RFC 2045, section 6.7, one character after the other."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    out, line = b"", b""
    for place, character in enumerate(text):
        rest = text[place + 1 :]
        if character == "\n":
            out, line = out + line + b"\r\n", b""
        elif character == OPENS or (character == CLOSES and rest and rest[0] != "\n"):
            out, line = (out + line + b"=\r\n", b"") if line else (out, line)
        elif character != CLOSES:
            for unit in units(character, ends_line=not rest or rest[0] in ("\n", OPENS)):
                if len(line) + len(unit) > 75:
                    out, line = out + line + b"=\r\n", b""
                first = not line and (unit == b"." or begins_a_mail(character + rest))
                line += b"=%02X" % unit[0] if first else unit
    return out + line


def begins_a_mail(rest: str) -> bool:
    """Whether an old mailbox would take this line for the next mail; `From=20` it would not."""
    return rest.startswith("From ") and rest[5:6] not in ("", "\n", OPENS)


def units(character: str, *, ends_line: bool) -> list[bytes]:
    if character in " \t":
        return [b"=%02X" % ord(character)] if ends_line else [character.encode()]
    if "!" <= character <= "~" and character != "=":
        return [character.encode()]
    return [b"=%02X" % byte for byte in character.encode()]


def folded(name: str, value: str) -> str:
    """As many words on each line as 76 columns hold; a run of several spaces is never cut."""
    lines, line, alone = [], f"{name}:", True
    for word in words(value):
        if len(f"{line} {word}") <= 76 or (alone and len(word) > 75):
            line = f"{line} {word}"
        else:
            lines.append(line)
            line = f" {word}"
        alone = False
    return "\r\n".join([*lines, line]) + "\r\n"


def words(value: str) -> list[str]:
    found = [""] if value else []
    for place, character in enumerate(value):
        before, after = value[place - 1 : place], value[place + 1 : place + 2]
        if character == " " and before not in ("", " ") and after not in ("", " "):
            found.append("")
        else:
            found[-1] += character
    return found


def fits(name: str, value: str) -> bool:
    return max(map(len, folded(name, value).split("\r\n"))) <= 76


def is_safe(text: str) -> bool:
    return all(" " <= character <= "~" for character in text) and "=?" not in text and text.strip(" ") == text


def free_text(name: str, text: str) -> str:
    return text if is_safe(text) and fits(name, text) else encoded_words(name, text)


def phrase(name: str, text: str) -> str:
    quoted = '"' + "".join("\\" + c if c in '"\\' else c for c in text) + '"'
    return quoted if is_safe(text) and fits(name, quoted) else encoded_words(name, text)


def mailbox(name: str, shown: str, address: str) -> str:
    return f"{phrase(name, shown)} <{address}>" if shown else address


def encoded_words(name: str, text: str) -> str:
    """RFC 2047, section 4.1: each word as long as its line allows."""
    made, room = [], 76 - len(name) - 2
    while text:
        fit = max(n for n in range(1, len(text) + 1) if n == 1 or len(encoded_word(text[:n])) <= room)
        made.append(encoded_word(text[:fit]))
        text, room = text[fit:], 75
    return " ".join(made)


def encoded_word(text: str) -> str:
    return "=?utf-8?b?" + base64.b64encode(text.encode()).decode() + "?="
