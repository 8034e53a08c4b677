"""What a letter or a reply amounts to: decided here, without a connection.

Which letters never go to a server as it is, what bytes a body is on the wire, and what a reply says of a
letter.
"""

from __future__ import annotations

import re

from digest.model import OBJECTION, Letter, Outcome, Result, Stage
from digest.transports.smtp.line import Break
from digest.transports.smtp.opening import Offers
from digest.transports.smtp.replies import Reply, one_line

_BAD_SEQUENCE = 503
_TOO_LARGE_CODE = 552
_TOO_LARGE = {"5.3.4", "5.2.3"}  # RFC 3463, sections 3.4 and 3.3

# What may stand between < and > of a command: no control character, and no white space outside quotes.
_CONTROLS = r"\x00-\x1f\x7f-\x9f\u2028\u2029"
_PATH = re.compile(rf'(?:[^{_CONTROLS}\s<>"\\]|"(?:[^{_CONTROLS}<>"\\]|\\[ -;=?-~])*")+')

NOT_SENT = Outcome(
    result=Result.TRY_LATER, stage=Stage.DATA, text="the connection was lost before the body left"
)
"""The intent was written down, and then there was no connection left for the body."""


def objection(letter: Letter, offers: Offers) -> Outcome | None:
    """Why this letter cannot go to this server, or None. It is refused without a word to the server."""
    if not _may_be_said(letter.recipient, letter):
        return _refused(Stage.RECIPIENT, 553, "5.1.3", "the address cannot be written in SMTP")
    if letter.sender and not _may_be_said(letter.sender, letter):
        return _refused(Stage.SENDER, 553, "5.1.7", "the return path cannot be written in SMTP")
    if letter.international and not offers.utf8:
        return _refused(Stage.RECIPIENT, 553, "5.6.7", "the server takes no international addresses")
    if 0 < offers.size < letter.size:
        return _refused(Stage.SENDER, 552, "5.3.4", f"the server takes at most {offers.size} bytes")
    return None


def _may_be_said(address: str, letter: Letter) -> bool:
    return _PATH.fullmatch(address) is not None and (letter.international or address.isascii())


def _refused(stage: Stage, code: int, enhanced: str, why: str) -> Outcome:
    text = f"{OBJECTION}{why}"
    return Outcome(result=Result.REFUSED, stage=stage, code=code, enhanced=enhanced, text=text)


def on_the_wire(content: bytes) -> bytes:
    """A body as it leaves: dots at line starts doubled (RFC 5321, section 4.5.2), without the last dot.

    Raises ValueError where a line end is not CRLF. A bare CR or LF is read as a line end by some servers
    and not by others, and between two of those a second message can be smuggled (RFC 5321, section 2.3.8).
    """
    lines = content.count(b"\r\n")
    if not content.endswith(b"\r\n") or content.count(b"\n") != lines or content.count(b"\r") != lines:
        raise ValueError("a letter has a line end that is not CRLF")
    if content.startswith(b"."):
        content = b"." + content
    return content.replace(b"\r\n.", b"\r\n..")


def outcome_of(reply: Reply, stage: Stage) -> Outcome:
    """What a reply says of a letter. One that is no answer to a body leaves its fate uncertain."""
    match reply.code // 100:
        case 2:
            result = Result.ACCEPTED
        case 4:
            result = Result.TRY_LATER
        case 5:
            result = Result.REFUSED
        case _:
            result = Result.UNCERTAIN
    return reply.outcome(result, stage)


def outcome_of_break(cut: Break, stage: Stage, result: Result = Result.TRY_LATER) -> Outcome:
    """What a connection that ended says; the server itself may have said goodbye with a 421."""
    if cut.reply is not None:
        return cut.reply.outcome(result, stage)
    return Outcome(result=result, stage=stage, text=one_line(cut.why))


def is_out_of_step(reply: Reply) -> bool:
    """The server did not follow commands that ran ahead (RFC 2920, section 3.2); Exim says it in words."""
    return reply.code == _BAD_SEQUENCE or (reply.code >= 500 and "synchroni" in reply.text.lower())


def is_about_size(reply: Reply) -> bool:
    """MAIL was refused for the letter's size, not for our sender (RFC 1870, section 6.1)."""
    return reply.code == _TOO_LARGE_CODE or reply.enhanced in _TOO_LARGE
