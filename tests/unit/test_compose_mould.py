"""An issue's mould: which headers its letters have, and what it refuses to cast."""

from __future__ import annotations

import email
from dataclasses import replace
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import default
from typing import Any

import pytest
from builders import addressee, newsletter

from digest.compose import Mould, preview
from digest.compose.proof import prove
from digest.errors import DigestError, InputError, SettingsError, TemplateError
from digest.model import PREFERENCES_URL, UNSUBSCRIBE_URL, Email, Site

FRIDAY = datetime(2026, 11, 20, 7, 0, tzinfo=UTC)
SITE = Site(
    title="Letters", url="https://letters.example.org", author="The editors", id_host="letters.example.org"
)
MAIL = Email(
    subject="Five were treated",
    text=f"Five.\n\nLeave: <{UNSUBSCRIBE_URL}>\nChange: <{PREFERENCES_URL}>\n",
    html=f'<p>Five.</p><a href="{UNSUBSCRIBE_URL}">Leave</a> <a href="{PREFERENCES_URL}">Change</a>',
    summary="Five.",
)


def mould(mail: Email = MAIL, site: Site = SITE, *, sender: str = "", **options: Any) -> Mould:
    of = newsletter(sender=sender) if sender else newsletter()
    return Mould(mail, site, of, **{"number": 7, "date": FRIDAY, **options})


def changed(place: str, value: Any) -> Email:
    return replace(MAIL, **{place: value})


def opened(raw: bytes) -> EmailMessage:
    message = email.message_from_bytes(raw, policy=default)
    assert isinstance(message, EmailMessage)
    return message


def contents(message: EmailMessage) -> list[str]:
    return [part.get_content().replace("\r\n", "\n") for part in message.iter_parts()]


def test_a_letter_says_what_it_is_and_how_to_leave() -> None:
    message = opened(mould().letter(addressee()))

    assert {name: " ".join(str(value).split()) for name, value in message.items()} == {
        "From": "Remission Weekly <weekly@remission.example.org>",
        "To": "Reader Seventeen <reader-17@example.org>",
        "Subject": "Five were treated",
        "Date": "Fri, 20 Nov 2026 07:00:00 +0000",
        "Message-ID": "<7.5eed17@letters.example.org>",
        "List-Id": '"Letters" <issues.letters.example.org>',
        "List-Unsubscribe": "<https://letters.example.org/leave/5eed17>,"
        " <mailto:leave+5eed17@letters.example.org>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        "List-Help": "<mailto:weekly@remission.example.org>",
        "List-Archive": "<https://letters.example.org/issues/>",
        "Feedback-ID": "7:letters.example.org:issue:lettersexampleo",
        "Precedence": "bulk",
        "Auto-Submitted": "auto-generated",
        "Content-Language": "en",
        "MIME-Version": "1.0",
        "Content-Type": message["Content-Type"],
    }
    assert contents(message) == [
        "Five.\n\nLeave: <https://letters.example.org/leave/5eed17>\n"
        "Change: <https://letters.example.org/preferences/5eed17>\n",
        '<p>Five.</p><a href="https://letters.example.org/leave/5eed17">Leave</a> '
        '<a href="https://letters.example.org/preferences/5eed17">Change</a>',
    ]


def test_two_letters_differ_in_nothing_but_what_is_their_readers() -> None:
    cast = mould()
    other = addressee(
        address="reader-18@example.org",
        name="Reader Eighteen",
        message_id="7.0ther8@letters.example.org",
        leave_url="https://letters.example.org/leave/0ther8",
        preferences_url="https://letters.example.org/preferences/0ther8",
        leave_mailto="mailto:leave+0ther8@letters.example.org",
    )

    theirs = cast.letter(other).decode()

    assert "5eed17" not in theirs
    swapped = theirs.replace("0ther8", "5eed17").replace("reader-18", "reader-17")
    assert swapped.replace("Reader Eighteen", "Reader Seventeen") == cast.letter(addressee()).decode()


def test_an_ampersand_in_a_link_is_escaped_in_html_alone() -> None:
    url = "https://letters.example.org/leave?i=7&t='5eed17'"

    text, html = contents(opened(mould().letter(addressee(leave_url=url))))

    assert f"<{url}>" in text
    assert 'href="https://letters.example.org/leave?i=7&amp;t=&#x27;5eed17&#x27;"' in html


def test_a_template_may_show_a_link_as_often_as_it_likes_and_the_preferences_not_at_all() -> None:
    mail = replace(MAIL, text=f"{UNSUBSCRIBE_URL}{UNSUBSCRIBE_URL}?again=1", html=f"{UNSUBSCRIBE_URL}\n" * 3)

    text, html = contents(opened(mould(mail).letter(addressee())))

    leave = addressee().leave_url
    assert (text, html) == (f"{leave}{leave}?again=1", f"{leave}\n" * 3)


@pytest.mark.parametrize(("part", "template"), [("text", "issue.txt"), ("html", "issue.mjml")])
def test_a_newsletter_without_a_link_to_leave_it_is_not_sent(part: str, template: str) -> None:
    with pytest.raises(TemplateError, match=template) as caught:
        mould(changed(part, f"Change: {PREFERENCES_URL}"))
    assert "unsubscribe_url" in caught.value.cure


def test_answers_and_help_go_where_the_author_wants_them() -> None:
    message = opened(mould(reply_to="The editors <editors@example.org>").letter(addressee()))
    assert message["Reply-To"] == "The editors <editors@example.org>"
    assert message["List-Help"] == "<mailto:editors@example.org>"

    helped = opened(mould(help_url="https://letters.example.org/about/").letter(addressee()))
    assert helped["List-Help"] == "<https://letters.example.org/about/>"
    assert helped["Reply-To"] is None


def test_one_click_is_promised_only_where_the_site_has_https() -> None:
    plain = replace(SITE, url="http://localhost:8000")
    reader = addressee(leave_url="http://localhost:8000/leave/5eed17", leave_mailto="")

    message = opened(mould(site=plain).letter(reader))

    assert message["List-Unsubscribe"] == "<http://localhost:8000/leave/5eed17>"
    assert message["List-Unsubscribe-Post"] is None


def test_complaints_are_counted_by_issue_newsletter_kind_and_sender() -> None:
    message = opened(mould(sender_id="letters-17", kind="test").letter(addressee()))
    assert message["Feedback-ID"] == "7:letters.example.org:test:letters-17"

    short = opened(mould(site=replace(SITE, id_host="a.io")).letter(addressee()))
    assert short["Feedback-ID"] == "7:a.io:issue:aiomail"


@pytest.mark.parametrize(
    "options",
    [
        {"sender_id": "four"},
        {"sender_id": "sixteen-letters-"},
        {"sender_id": "a:b:c"},
        {"kind": "a:b"},
        {"reply_to": "nobody"},
        {"reply_to": "a@example.org, b@example.org"},
        {"help_url": "javascript:alert(1)"},
        {"help_url": "https://example.org/a b"},
        {"sender": "nobody"},
        {"sender": "Weekly\n <weekly@example.org>"},
        {"site": replace(SITE, id_host="a b")},
    ],
)
def test_settings_that_no_header_can_carry_are_said_before_anything_is_sent(options: dict[str, Any]) -> None:
    with pytest.raises(SettingsError) as caught:
        mould(**options)
    assert caught.value.cure


@pytest.mark.parametrize("place", ["subject", "text", "html"])
def test_half_a_character_is_refused_and_not_sent_as_a_question_mark(place: str) -> None:
    with pytest.raises(DigestError):
        mould(changed(place, f"Five \ud83d {UNSUBSCRIBE_URL}"))


@pytest.mark.parametrize(
    "changes",
    [
        {"address": "reader-17@example.org, reader-18@example.org"},
        {"address": "=?utf-8?q?x?=@example.org"},
        {"leave_url": "javascript:alert(1)"},
        {"leave_url": 'https://example.org/"onclick="x'},
        {"leave_url": "https://example.org/>,<https://example.net/"},
        {"leave_url": "https://example.org/żółć"},
        {"leave_url": ""},
        {"leave_url": "https://example.org/" + "x" * 900},
        {"preferences_url": "https://example.org/a b"},
        {"message_id": "<7.5eed17@example.org>"},
        {"message_id": "7.5eed17"},
        {"leave_mailto": "leave@example.org"},
        {"leave_mailto": "mailto:leave@example.org>"},
    ],
)
def test_a_reader_whose_values_cannot_be_written_is_refused_alone(changes: dict[str, str]) -> None:
    cast = mould()

    with pytest.raises(InputError):
        cast.letter(addressee(**changes))

    assert cast.letter(addressee())


def test_a_letter_that_is_made_when_it_leaves_is_checked_before() -> None:
    cast = mould()

    assert cast.addressed(addressee())() == cast.letter(addressee())
    with pytest.raises(InputError):
        cast.addressed(addressee(leave_url="nowhere"))


def test_an_international_address_stands_in_the_letter_as_it_is() -> None:
    raw = mould().letter(addressee(address="zażółć@example.org", name="Żółw"))

    to = raw.decode().split("\r\nTo: ")[1].split("\r\n")[0]
    assert to == "=?utf-8?b?xbvDs8WCdw==?= <zażółć@example.org>"


def test_a_preview_is_addressed_to_the_sender_and_can_unsubscribe_nobody() -> None:
    message = opened(mould().letter(preview(SITE, newsletter(), 7)))

    assert message["To"] == "Remission Weekly <weekly@remission.example.org>"
    assert message["Message-ID"] == "<issue-7.preview@letters.example.org>"
    assert message["List-Unsubscribe"] == f"<{UNSUBSCRIBE_URL}>, <mailto:leave@READER.invalid>"
    assert contents(message) == [MAIL.text, MAIL.html]


def test_the_size_of_a_letter_is_known_before_it_is_made() -> None:
    cast = mould()

    assert len(cast.letter(addressee())) <= cast.size <= len(cast.letter(addressee())) + 1000


LETTER = mould().letter(addressee())
NAMES = [name for name, _ in email.message_from_bytes(LETTER).items()]


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        (b"Precedence: bulk\r\n", b"Precedence: bulk\nBcc: reader-18@example.org\r\n", "CRLF"),
        (b"Precedence: bulk\r\n", b"Precedence: bulk\r\nBcc: reader-18@example.org\r\n", "headers"),
        (b"Precedence: bulk\r\n", b"", "headers"),
        (b"<reader-17@example.org>", b"<reader-17@example.org>, reader-18@example.org", "addressed"),
        (b"Precedence: bulk", b"Precedence: " + b"x" * 999, "998"),
        (b"\r\nFive.\r\n", b"\r\n.Five.\r\n", "full stop"),
        (b"\r\nFive.\r\n", b"\r\nSix.\r\n", "something else"),
        (b"leave/5eed17", b"leave/5eed18", "something else"),
        (b"--\r\n", b"--", "CRLF"),
        (b"Content-Type: text/html", b"Content-Type: text/plain", "other parts"),
    ],
)
def test_a_letter_that_went_wrong_is_noticed_before_it_leaves(before: bytes, after: bytes, says: str) -> None:
    prove(LETTER, MAIL, addressee(), NAMES)

    assert before in LETTER
    with pytest.raises(DigestError, match=says):
        prove(LETTER.replace(before, after), MAIL, addressee(), NAMES)
