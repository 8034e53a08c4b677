"""Every letter on the wire: byte for byte what a slow builder makes, and what Python's own reader reads.

About two thousand letters to invented readers, in some seconds.
"""

from __future__ import annotations

import email
import re
from datetime import UTC, datetime
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.policy import SMTP, default

import pytest
from builders import addressee, newsletter
from hypothesis import given, settings
from hypothesis import strategies as st
from slow_builder import addressed, plain, slow_letter

from digest.compose import Mould
from digest.errors import InputError
from digest.model import PREFERENCES_URL, UNSUBSCRIBE_URL, Addressee, Email, Site

DATE = datetime(2024, 11, 22, 7, 0, tzinfo=UTC)
SITE = Site(
    title="Letters", url="https://letters.example.org", author="The editors", id_host="letters.example.org"
)
SENDER = ("Letters", "weekly@letters.example.org")
HEADERS = [
    *("From", "To", "Subject", "Date", "Message-ID"),
    *("List-Id", "List-Unsubscribe", "List-Unsubscribe-Post", "List-Help", "List-Archive"),
    *("Feedback-ID", "Precedence", "Auto-Submitted", "Content-Language", "MIME-Version", "Content-Type"),
]
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")

HOSTILE = [
    "=?utf-8?q?a=0ABcc=3A_v=40e.org?=",
    "=?utf-8?b?YQpCY2M6IHZAZS5vcmc=?=",
    "Reader =?utf-8?q?=22=2C_v=40e=2Eorg?=",
    'a" <v@example.org>, "b',
    "a, v@example.org",
    "a <v@example.org>",
    "a\\",
    '"',
    "(comment)",
    "a;b:c",
    "no\u00a0break",
    "👩‍⚕️ ZWJ",
    "مرحبا‏ RTL",
    "\u202eesrever",
    "Zieliński",
    "  spaces  within   and around ",
    "=",
    "?=",
    "ß" * 300,
    "x" * 300,
    "word " * 100 + "end",
    "ff\ufb00 e\u0301",
]
BREAKING = [
    "a\nBcc: v@e.org",
    "a\r\nBcc: v@e.org",
    "a\rb",
    "\x00",
    "a\tb",
    "\x0b",
    "\x1c",
    "\x7f",
    "\x85",
    "\u2028",
    "\u2029",
]

letters_ = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\ufdd0\ufdd1"), max_size=60)
names = letters_ | st.sampled_from(HOSTILE)
peaceful = names.filter(lambda name: not CONTROL.search(name))
addresses = st.from_regex(
    r"[a-z0-9!#$%&'*/?^_`{|}~+-]{1,20}(\.[A-Za-z0-9]{1,20}){0,2}@[a-z0-9]{1,20}(\.[a-z]{2,10}){1,3}",
    fullmatch=True,
)
tokens = st.text("abcdefghijklmnopqrstuvwxyzABCXYZ0123456789_-.", min_size=16, max_size=300)
links = st.builds(
    "{}{}{}".format,
    st.sampled_from(
        ["https://letters.example.org/l/", "https://letters.example.org/l?i=7&t=", "https://x.org/'"]
    ),
    tokens,
    st.sampled_from(["", "&a=1", "#x", "=.="]),
)
readers = st.builds(
    addressee,
    name=peaceful,
    address=addresses,
    message_id=tokens.map(lambda token: f"7.{token.replace('.', '')}a@letters.example.org"),
    leave_url=links,
    preferences_url=links,
    leave_mailto=tokens.map(lambda token: f"mailto:leave+{token}@letters.example.org?subject=leave")
    | st.just(""),
)
FRAGMENTS = [
    *(".", "..", "\n.", "From ", "\nFrom me", "=", "=3D", "--=_", "-- \n", "<p class='x'>", "&amp;"),
    *(" ", "\t", " \n", "\n", "\r", "\r\n", "\n\n", "\x00", "\x0b", "\u2028"),
    *("é", "👩‍⚕️", "Zażółć gęślą jaźń", "مرحبا", "ż" * 40, "word " * 20),
    *("x" * 74, "x" * 75, "x" * 76, "y" * 1200, UNSUBSCRIBE_URL, PREFERENCES_URL),
]
bodies = st.lists(st.sampled_from(FRAGMENTS) | letters_, max_size=25).map("".join)


def mail(subject: str = "Five were treated", text: str = "Five.", html: str = "<p>Five.</p>") -> Email:
    return Email(
        subject=subject,
        text=f"{text}\n<{UNSUBSCRIBE_URL}>\n",
        html=f'{html}<a href="{UNSUBSCRIBE_URL}">Leave</a>',
        summary="",
    )


def mould(made: Email) -> Mould:
    sender = newsletter(sender=f"{SENDER[0]} <{SENDER[1]}>")
    return Mould(made, SITE, sender, number=7, date=DATE)


def letter(made: Email, reader: Addressee) -> bytes:
    return mould(made).letter(reader)


def opened(raw: bytes) -> EmailMessage:
    message = email.message_from_bytes(raw, policy=default)
    assert isinstance(message, EmailMessage)
    return message


def written(raw: bytes, name: str) -> str:
    """A header's value, unfolded by hand and not yet decoded."""
    head = re.sub(r"\r\n(?= )", "", raw.partition(b"\r\n\r\n")[0].decode())
    found = re.search(f"^{name}:(.*)$", head, re.M)
    assert found
    return found[1].strip("\r").removeprefix(" ")


def decoded(value: str) -> str:
    """By the older half of Python's email package, which reads encoded words as RFC 2047 has them."""
    return f"{make_header(decode_header(value))}" if "=?" in value else value


def shown_name(raw: bytes) -> str:
    name = written(raw, "To").rpartition(" <")[0]
    return re.sub(r"\\(.)", r"\1", name[1:-1]) if name.startswith('"') else decoded(name)


@settings(max_examples=400, deadline=None)
@given(readers, peaceful, bodies, bodies)
def test_a_letter_is_what_building_it_for_this_reader_alone_would_make(
    reader: Addressee, subject: str, text: str, html: str
) -> None:
    made = mail(subject, text, html)

    fast = letter(made, reader)

    assert fast == slow_letter(made, reader, title=SITE.title, sender=SENDER, number=7, date=DATE)


@settings(max_examples=200, deadline=None)
@given(readers, peaceful, bodies, bodies)
def test_a_mail_program_reads_what_was_written_and_nothing_more(
    reader: Addressee, subject: str, text: str, html: str
) -> None:
    made = mail(subject, text, html)

    raw = letter(made, reader)

    message = opened(raw)
    assert message.keys() == HEADERS
    assert [to.addr_spec for to in message["To"].addresses] == [reader.address]
    assert shown_name(raw) == reader.name
    assert decoded(written(raw, "Subject")) == subject
    assert message["Message-ID"].strip() == f"<{reader.message_id}>"
    contents = [bytes(part.get_payload(decode=True)).decode() for part in message.iter_parts()]
    assert [content.replace("\r\n", "\n") for content in contents] == [
        plain(addressed(made.text, reader)),
        plain(addressed(made.html, reader, in_html=True)),
    ]


@settings(max_examples=200, deadline=None)
@given(readers, peaceful, bodies, bodies)
def test_no_line_is_longer_than_a_server_takes_and_none_needs_stuffing(
    reader: Addressee, subject: str, text: str, html: str
) -> None:
    raw = letter(mail(subject, text, html), reader)

    assert raw.endswith(b"\r\n")
    head, _, body = raw.partition(b"\r\n\r\n")
    lines = body.split(b"\r\n")
    assert max(map(len, lines)) <= 76
    assert not [line for line in lines if line.startswith((b".", b"From "))]
    assert not re.search(rb"\r(?!\n)|(?<!\r)\n", raw)
    for line in head.split(b"\r\n"):
        assert len(line) <= 76 or b" " not in line.removeprefix(b" ").partition(b": ")[2], line
        assert len(line) <= 998


@settings(max_examples=100, deadline=None)
@given(readers, bodies, bodies)
def test_an_emailmessage_for_the_same_reader_says_the_same(reader: Addressee, text: str, html: str) -> None:
    made = mail(text=text, html=html)
    slow = EmailMessage(policy=SMTP)
    slow.set_content(plain(addressed(made.text, reader)), cte="quoted-printable")
    slow.add_alternative(plain(addressed(made.html, reader, in_html=True)), subtype="html", cte="base64")

    ours, theirs = opened(letter(made, reader)), opened(slow.as_bytes())

    def contents(message: EmailMessage) -> list[tuple[str, str]]:
        return [
            (part.get_content_type(), part.get_content().replace("\r\n", "\n").rstrip("\n"))
            for part in message.iter_parts()
        ]

    assert contents(ours) == contents(theirs)


@settings(max_examples=200, deadline=None)
@given(letters_)
def test_a_name_with_a_control_character_is_refused_and_any_other_is_sent(name: str) -> None:
    cast = mould(mail())
    if CONTROL.search(name):
        with pytest.raises(InputError):
            cast.letter(addressee(name=name))
    else:
        assert opened(cast.letter(addressee(name=name))).keys() == HEADERS


@pytest.mark.parametrize("sign", BREAKING)
def test_what_could_begin_a_header_of_its_own_is_refused_wherever_it_stands(sign: str) -> None:
    cast = mould(mail())
    for place in ("name", "address", "message_id", "leave_url", "preferences_url", "leave_mailto"):
        ordinary = getattr(addressee(), place)
        for value in (sign + ordinary, ordinary + sign, ordinary[:9] + sign + ordinary[9:]):
            with pytest.raises(InputError):
                cast.letter(addressee(**{place: value}))
    with pytest.raises(InputError):
        mould(mail(subject=f"Five{sign} were treated"))


@pytest.mark.parametrize("words", HOSTILE)
def test_words_that_look_like_headers_or_addresses_stay_words(words: str) -> None:
    raw = letter(mail(subject=words), addressee(name=words))

    message = opened(raw)
    assert message.keys() == HEADERS
    assert [to.addr_spec for to in message["To"].addresses] == ["reader-17@example.org"]
    assert shown_name(raw) == words
    assert decoded(written(raw, "Subject")) == words
    if "=?" in words:
        assert words.encode() not in raw


@pytest.mark.parametrize("length", range(16, 301, 4))
def test_lists_and_identifiers_are_never_encoded_however_long_the_token_is(length: int) -> None:
    token = "a7" * (length // 2)
    reader = addressee(
        message_id=f"7.{token}@letters.example.org",
        leave_url=f"https://letters.example.org/leave/{token}",
        leave_mailto=f"mailto:leave+{token}@letters.example.org",
    )

    raw = letter(mail(), reader)

    message = opened(raw)
    assert b"=?" not in raw
    assert message["List-Unsubscribe"].strip() == f"<{reader.leave_url}>, <{reader.leave_mailto}>"
    assert message["Message-ID"].strip() == f"<{reader.message_id}>"
    assert token in message.get_body(("plain",)).get_content()  # type: ignore[union-attr]
