"""The message of an issue, cast once: every letter is the same bytes but for what is its reader's own.

Serialising a mail costs milliseconds, and doing so for each reader would be the slowest part of sending. So
the mail is encoded once, with gaps where a reader's address, Message-ID and links go, and a letter is one
join. What it makes is byte for byte what building the whole message for that reader would make; a test keeps
a slow builder that does so, and compares.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import datetime
from email.utils import format_datetime
from functools import partial
from typing import TYPE_CHECKING

from digest.compose.addresses import host_of, mailbox
from digest.compose.frame import Frame
from digest.compose.headers import field, mailbox_field, phrase, words
from digest.compose.parts import alternative, content_type, encoded
from digest.compose.proof import prove
from digest.compose.reader import Gap, checked_uri, values
from digest.compose.seal import Seal
from digest.errors import SettingsError, TemplateError
from digest.model import PREFERENCES_URL, UNSUBSCRIBE_URL, Addressee, Email, Newsletter, Site

if TYPE_CHECKING:
    from digest.compose.dkim import Signer

_LINKS = re.compile(f"({re.escape(UNSUBSCRIBE_URL)}|{re.escape(PREFERENCES_URL)})")
_IDENTIFIER, _SENDER_ID = re.compile(r"[A-Za-z0-9._-]{1,64}"), re.compile(r"[A-Za-z0-9_-]{5,15}")
_ROOM = 700
"""About what a reader's own values take, and what a signature does."""
_SPECIMEN = Addressee(
    address="reader-17@example.org",
    name='Sample "Reader", Ünïcödé',
    message_id="0.specimen@example.org",
    leave_url="https://example.org/leave?" + "reader=17&" * 20,
    preferences_url="https://example.org/preferences?" + "reader=17&" * 20,
    leave_mailto="mailto:leave+17@example.org?subject=leave",
    return_path="",
)
"""Nobody's letter, made to be read again before any other is: see `proof`."""


class Mould:
    """One issue, ready to be addressed. It never changes, so threads may share it.

    `date` is the moment from which the issue is sent, aware, and the same in every letter: filters, and
    verifiers of signatures, distrust a date to come. `sender_id` names the sender in Feedback-ID (5 to 15
    characters; made of the host where it is empty) and `kind` what is sent (`issue`, `test`). `help_url` is
    for List-Help; without it help is a mail to `reply_to` or the sender. The same input gives the same bytes.
    Raises SettingsError for settings that no header can carry, and TemplateError for a mail without a link
    to leave the newsletter: that is never sent.
    """

    def __init__(
        self,
        email: Email,
        site: Site,
        newsletter: Newsletter,
        *,
        number: int,
        date: datetime,
        reply_to: str = "",
        sender_id: str = "",
        kind: str = "issue",
        help_url: str = "",
        signers: Sequence[Signer] = (),
    ) -> None:
        host = host_of(site)
        body, boundary = _body(email)
        headers: dict[str, bytes | int] = {
            "From": mailbox_field("From", mailbox(newsletter.sender)),
            "To": Gap.TO,
            "Subject": words("Subject", email.subject),
            "Date": field("Date", format_datetime(date)),
            "Message-ID": Gap.MESSAGE_ID,
            **({"Reply-To": mailbox_field("Reply-To", mailbox(reply_to))} if reply_to else {}),
            **_list_headers(site, help_url or f"mailto:{mailbox(reply_to or newsletter.sender).address}"),
            "Feedback-ID": field("Feedback-ID", _feedback_id(number, host, kind, sender_id)),
            "Precedence": field("Precedence", "bulk"),  # not standard, but what vacation programs look for
            "Auto-Submitted": field("Auto-Submitted", "auto-generated"),  # RFC 3834, section 5
            "Content-Language": field("Content-Language", site.language),  # RFC 3282
            "MIME-Version": field("MIME-Version", "1.0"),
            "Content-Type": field("Content-Type", content_type(boundary)),
        }
        self._letter = Frame([*headers.values(), b"\r\n", *body])
        self._seal = Seal(signers, headers, body, at=int(date.timestamp())) if signers else None
        self.size = self._letter.size + _ROOM * (1 + len(signers))
        """About how many bytes a letter has (RFC 1870, section 5)."""
        prove(self.letter(_SPECIMEN), email, _SPECIMEN, [*["DKIM-Signature"] * len(signers), *headers])

    def letter(self, reader: Addressee) -> bytes:
        """The whole message to one reader: CRLF line ends, no line that begins with a full stop.

        Raises InputError for a reader whom no mail can be addressed to.
        """
        return self._made(values(reader))

    def addressed(self, reader: Addressee) -> Callable[[], bytes]:
        """The letter to one reader, made when it is called; for `model.Letter.content`.

        Raises InputError as `letter` does, and does so now: what is called later cannot fail any more.
        """
        return partial(self._made, values(reader))

    def _made(self, own: tuple[bytes, ...]) -> bytes:
        letter = self._letter.filled(own)
        return self._seal.on(own) + letter if self._seal else letter


def preview(site: Site, newsletter: Newsletter, number: int) -> Addressee:
    """The sender, for looking at an issue: nobody's links, so that no preview can unsubscribe anybody."""
    sender = mailbox(newsletter.sender)
    return Addressee(
        address=sender.address,
        name=sender.name,
        message_id=f"issue-{number}.preview@{host_of(site)}",
        leave_url=UNSUBSCRIBE_URL,
        preferences_url=PREFERENCES_URL,
        leave_mailto="mailto:leave@READER.invalid",
        return_path=sender.address,
    )


def one_click(site: Site) -> dict[str, bytes]:
    """That one POST to the link of List-Unsubscribe is enough (RFC 8058), where the site has https."""
    if not site.url.startswith("https:"):
        return {}
    return {"List-Unsubscribe-Post": field("List-Unsubscribe-Post", "List-Unsubscribe=One-Click")}


def _list_headers(site: Site, help_url: str) -> dict[str, bytes | int]:
    """What makes it a list's mail: RFC 2919, RFC 2369 and RFC 8058."""
    return {
        "List-Id": field("List-Id", f"{phrase('List-Id', site.title)} <issues.{host_of(site)}>"),
        "List-Unsubscribe": Gap.LIST_UNSUBSCRIBE,
        **one_click(site),
        "List-Help": field("List-Help", f"<{checked_uri(help_url)}>"),
        "List-Archive": field("List-Archive", f"<{checked_uri(site.address('issues/'))}>"),
    }


def _feedback_id(number: int, host: str, kind: str, sender_id: str) -> str:
    """What complaints are counted by: issue, newsletter, kind and sender, and nothing of a reader.

    Gmail sums them by each part, and takes a sender of 5 to 15 characters that stays the same.
    """
    plain = re.sub(r"[^a-z0-9]", "", host)
    sender = sender_id or (plain if len(plain) >= 5 else f"{plain}mail")[:15]
    if _SENDER_ID.fullmatch(sender) is None or _IDENTIFIER.fullmatch(kind) is None:
        raise SettingsError(
            f"{sender_id or kind!r} cannot stand in Feedback-ID", cure="write 5 to 15 letters and digits"
        )
    return f"{number}:{host}:{kind}:{sender}"


def _body(email: Email) -> tuple[list[bytes | int], str]:
    """Both parts with their gaps, and the boundary between them."""
    text = _part(email.text, "issue.txt", Gap.LEAVE_IN_TEXT, Gap.PREFERENCES_IN_TEXT)
    html = _part(email.html, "issue.mjml", Gap.LEAVE_IN_HTML, Gap.PREFERENCES_IN_HTML)
    return alternative(email, text, html)


def _part(text: str, template: str, leave: Gap, preferences: Gap) -> list[bytes | int]:
    gaps = {UNSUBSCRIBE_URL: leave, PREFERENCES_URL: preferences}
    if UNSUBSCRIBE_URL not in text:
        raise TemplateError(
            f"templates/email/{template}: the mail has no link to leave the newsletter, so it is not sent",
            cure="write {{ unsubscribe_url }} where readers look for it",
        )
    return encoded([gaps.get(part, part) for part in _LINKS.split(text)])
