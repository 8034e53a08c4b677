"""A message to one person alone, which answers what they did: no issue, no list's mail.

It is made of the same parts as an issue's letter and read again before it leaves, each time: it is rare, and
proving it costs a millisecond.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from email.utils import format_datetime
from typing import TYPE_CHECKING

from digest.compose.addresses import mailbox
from digest.compose.frame import Frame
from digest.compose.headers import field, mailbox_field, words
from digest.compose.mould import one_click
from digest.compose.parts import alternative, content_type, encoded
from digest.compose.proof import prove
from digest.compose.reader import sole
from digest.compose.seal import Seal
from digest.model import Addressee, Email, Newsletter, Site

if TYPE_CHECKING:
    from digest.compose.dkim import Signer


def answer(
    email: Email,
    site: Site,
    newsletter: Newsletter,
    reader: Addressee,
    *,
    date: datetime,
    language: str,
    signers: Sequence[Signer] = (),
) -> bytes:
    """The whole message: CRLF line ends, no line that begins with a full stop.

    `reader` has neither name nor links where it asks a stranger something: then nothing in it belongs to a
    list (RFC 2369 and RFC 8058 are about lists). With `leave_url` it says how to leave. The same input gives
    the same bytes, so that a second try is the same message. Raises InputError for somebody whom no mail can
    be addressed to, and SettingsError.
    """
    own = sole(reader)
    to, message_id = own.pop("To"), own.pop("Message-ID")
    body, boundary = alternative(email, encoded([email.text]), encoded([email.html]))
    reply_to = newsletter.reply_to
    headers: dict[str, bytes | int] = {
        "From": mailbox_field("From", mailbox(newsletter.sender)),
        "To": to,
        "Subject": words("Subject", email.subject),
        "Date": field("Date", format_datetime(date)),
        "Message-ID": message_id,
        **({"Reply-To": mailbox_field("Reply-To", mailbox(reply_to))} if reply_to else {}),
        **({**own, **one_click(site)} if own else {}),
        "Auto-Submitted": field("Auto-Submitted", "auto-generated"),  # RFC 3834, section 5
        "Content-Language": field("Content-Language", language),  # RFC 3282
        "MIME-Version": field("MIME-Version", "1.0"),
        "Content-Type": field("Content-Type", content_type(boundary)),
    }
    letter = Frame([*headers.values(), b"\r\n", *body]).filled(())
    seal = Seal(signers, headers, body, at=int(date.timestamp())).on(()) if signers else b""
    prove(seal + letter, email, reader, [*["DKIM-Signature"] * len(signers), *headers])
    return seal + letter
