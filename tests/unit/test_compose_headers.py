"""Header lines: how words, names and identifiers stand in them."""

from __future__ import annotations

from email.header import decode_header, make_header

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.compose import Mailbox
from digest.compose.headers import field, mailbox_field, words
from digest.errors import DigestError


def test_a_short_subject_stands_as_it_was_written() -> None:
    assert words("Subject", "Five were treated: 3 of 5 < 9") == b"Subject: Five were treated: 3 of 5 < 9\r\n"


def test_a_long_subject_is_folded_between_words_and_not_encoded() -> None:
    subject = "Fifteen patients off immunosuppression after CAR T cells, one caution, and two more"

    assert words("Subject", subject).split(b"\r\n") == [
        b"Subject: Fifteen patients off immunosuppression after CAR T cells, one",
        b" caution, and two more",
        b"",
    ]


def test_a_subject_beyond_ascii_is_encoded_in_words_of_whole_characters() -> None:
    made = words("Subject", "Zażółć gęślą jaźń " * 12)

    lines = made.decode("ascii").split("\r\n")[:-1]
    assert len(lines) > 3
    for line in lines:
        assert len(line) <= 76
        content, charset = decode_header(line.removeprefix("Subject:").strip())[0]
        assert (charset, bytes(content).decode()) != ("utf-8", "")
    assert (
        str(make_header(decode_header(made.decode().removeprefix("Subject: ")))) == "Zażółć gęślą jaźń " * 12
    )


@pytest.mark.parametrize(
    "subject", ["=?utf-8?q?a=0ABcc=3A_v=40e.org?=", "a =? b", " begins", "ends ", "x" * 90]
)
def test_a_subject_that_would_be_read_as_something_else_is_encoded(subject: str) -> None:
    made = words("Subject", subject)

    assert made.startswith(b"Subject: =?utf-8?b?")
    assert str(make_header(decode_header(made.decode().removeprefix("Subject: ")))) == subject


def test_a_mail_without_a_subject_has_an_empty_one() -> None:
    assert words("Subject", "") == b"Subject:\r\n"


def test_an_identifier_is_never_encoded_and_never_cut() -> None:
    long = "<https://example.org/leave/" + "a7" * 150 + ">"

    assert field("List-Unsubscribe", f"{long}, <mailto:a@example.org>").split(b"\r\n") == [
        f"List-Unsubscribe: {long},".encode(),
        b" <mailto:a@example.org>",
        b"",
    ]


def test_an_identifier_that_fits_on_a_line_of_its_own_gets_one() -> None:
    assert field("Message-ID", "<" + "a" * 72 + ">") == b"Message-ID:\r\n <" + b"a" * 72 + b">\r\n"


@pytest.mark.parametrize("value", ["a\nb", "a\r\n b", "a\x00", "\x85", "a\u2028b", "\ud800", "x" * 999])
def test_no_header_holds_a_control_character_or_a_line_over_998(value: str) -> None:
    with pytest.raises(DigestError):
        field("List-Id", value)


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("", b"From: weekly@example.org\r\n"),
        ("Remission Weekly", b'From: "Remission Weekly" <weekly@example.org>\r\n'),
        ('Lupus, "weekly"\\', b'From: "Lupus, \\"weekly\\"\\\\" <weekly@example.org>\r\n'),
        ("Zażółć", b"From: =?utf-8?b?WmHFvMOzxYLEhw==?= <weekly@example.org>\r\n"),
        ("=?utf-8?q?x?=", b"From: =?utf-8?b?PT91dGYtOD9xP3g/PQ==?= <weekly@example.org>\r\n"),
    ],
)
def test_a_name_is_quoted_or_encoded_and_the_address_stands_beside_it(name: str, line: bytes) -> None:
    assert mailbox_field("From", Mailbox(name=name, address="weekly@example.org")) == line


@given(st.text(st.characters(categories=["L", "M", "N", "P", "S", "Zs"]), min_size=1, max_size=300))
def test_any_words_come_back_from_encoded_words(text: str) -> None:
    made = words("Subject", text).decode("ascii")

    value = made.removeprefix("Subject:").replace("\r\n ", " ").removesuffix("\r\n").removeprefix(" ")
    assert (f"{make_header(decode_header(value))}" if "=?" in value else value) == text
    assert max(map(len, made.split("\r\n"))) <= 76
