"""A message to one person alone: the headers that it has, and those that only a list's mail has."""

from __future__ import annotations

import email
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import default
from typing import Any

import pytest
from builders import newsletter

from digest.compose import answer
from digest.errors import InputError
from digest.model import Addressee, Email, Site

DATE = datetime(2026, 11, 5, 19, 0, tzinfo=UTC)
SITE = Site(title="Letters", url="https://letters.example.org", author="The editors")
MAIL = Email(
    subject="Bitte bestätigen: Letters per E-Mail",
    html="<p>Möchten Sie?</p>\n.\nFrom here\n",
    text="Möchten Sie?\n.\nFrom here\n",
    summary="",
)
LEAVE = {
    "leave_url": "https://letters.example.org/leave/5eed17",
    "leave_mailto": "mailto:leave+5eed17@example.org",
}


def to(**changes: Any) -> Addressee:
    """Somebody who is no reader yet: neither name nor links."""
    ordinary = {
        "address": "reader-17@example.org",
        "name": "",
        "message_id": "confirm.5eed17@letters.example.org",
        "leave_url": "",
        "preferences_url": "",
        "leave_mailto": "",
        "return_path": "",
    }
    return Addressee(**{**ordinary, **changes})


def written(reader: Addressee, site: Site = SITE, **changes: str) -> bytes:
    return answer(MAIL, site, newsletter(**changes), reader, date=DATE, language="de")


def read(letter: bytes) -> EmailMessage:
    message = email.message_from_bytes(letter, policy=default)
    assert isinstance(message, EmailMessage)
    assert not message.defects
    return message


def test_a_question_to_a_stranger_is_no_lists_mail() -> None:
    message = read(written(to()))
    assert message.keys() == [
        *("From", "To", "Subject", "Date", "Message-ID"),
        *("Auto-Submitted", "Content-Language", "MIME-Version", "Content-Type"),
    ]
    assert message["To"] == "reader-17@example.org"
    assert message["Subject"] == MAIL.subject
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Content-Language"] == "de"
    assert message["Message-ID"] == "<confirm.5eed17@letters.example.org>"
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]


def test_a_reader_can_leave_from_it_with_one_click() -> None:
    message = read(written(to(**LEAVE)))
    assert message["List-Unsubscribe"] == (
        "<https://letters.example.org/leave/5eed17>, <mailto:leave+5eed17@example.org>"
    )
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


def test_without_https_nobody_is_promised_one_click() -> None:
    plain = Site(title="Letters", url="http://letters.example.org", author="The editors")
    assert "List-Unsubscribe-Post" not in read(written(to(**LEAVE), plain))


def test_answers_go_where_the_author_wants_them() -> None:
    assert read(written(to(), reply_to="desk@example.org"))["Reply-To"] == "desk@example.org"


def test_it_is_fit_for_every_server_and_the_same_on_every_try() -> None:
    letter = written(to())
    assert letter == written(to())
    assert letter.endswith(b"\r\n")
    assert not any(line.startswith((b".", b"From ")) or len(line) > 78 for line in letter.split(b"\r\n")[9:])
    assert b"\n" not in letter.replace(b"\r\n", b"")


@pytest.mark.parametrize(
    "wrong",
    [
        {"address": "a@example.org\r\nBcc: v@example.org"},
        {"address": "a b@example.org"},
        {"message_id": "a\r\nBcc: v@example.org"},
        {"leave_url": "javascript:alert(1)"},
        {"leave_url": LEAVE["leave_url"], "leave_mailto": "mailto:a>\r\nBcc: v@example.org"},
    ],
)
def test_what_no_header_may_hold_is_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(InputError):
        written(to(**wrong))
