"""Quoted-printable as it leaves: lines that no server changes, and gaps between them."""

from __future__ import annotations

import quopri
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.compose.quoting import quoted, quoted_word, with_gaps

TEXTS = st.lists(
    st.sampled_from(
        [".", "From ", "=", " ", "\t", "\n", "\r", "\r\n", "é", "👩‍⚕️", "x" * 75, "x" * 200, "a", "\x00"]
    )
).map("".join)


def shown(encoded: bytes) -> str:
    return quopri.decodestring(encoded).decode().replace("\r\n", "\n")


@given(TEXTS)
def test_any_text_comes_back_with_one_kind_of_line_end(text: str) -> None:
    encoded = quoted(text)

    assert shown(encoded) == text.replace("\r\n", "\n").replace("\r", "\n")
    assert encoded.isascii()
    assert all(len(line) <= 75 + line.endswith(b"=") for line in encoded.split(b"\r\n"))


def test_the_dot_that_ends_a_mail_cannot_stand_at_the_beginning_of_a_line() -> None:
    assert quoted(".\n..x\na.b") == b"=2E\r\n=2E.x\r\na.b"
    assert quoted("x" * 75 + "." * 80).split(b"\r\n")[1:] == [b"=2E" + b"." * 72 + b"=", b"=2E......"]


def test_a_line_that_begins_with_from_is_not_taken_for_another_mail() -> None:
    assert quoted("From here\nFromage\nFrom ") == b"=46rom here\r\nFromage\r\nFrom=20"


def test_white_space_at_the_end_of_a_line_survives() -> None:
    assert quoted("-- \nx\t\ny ") == b"--=20\r\nx=09\r\ny=20"


def test_no_code_is_cut_in_two() -> None:
    for length in range(65, 80):
        for line in quoted("x" * length + "ż=ż").split(b"=\r\n"):
            assert re.fullmatch(rb"(=[0-9A-F]{2}|x)+", line)


@pytest.mark.parametrize(
    ("parts", "made"),
    [
        (["<", 1, ">"], [b"<", b"=\r\n", 1, b"=\r\n", b">"]),
        (["a\n", 1, "\nb"], [b"a\r\n", 1, b"\r\nb"]),
        (["", 1, ""], [1]),
        ([1, "", 2, "x"], [1, b"=\r\n", 2, b"=\r\n", b"x"]),
        (["a ", 1, " b"], [b"a=20", b"=\r\n", 1, b"=\r\n", b" b"]),
        ([1, "\r\n.x"], [1, b"\r\n=2Ex"]),
        ([1, ".x"], [1, b"=\r\n", b"=2Ex"]),
    ],
)
def test_a_gap_begins_a_line_and_what_follows_begins_another(
    parts: list[str | int], made: list[bytes | int]
) -> None:
    assert with_gaps(parts) == made


@given(st.text("abc.=?&-_~/:%", min_size=1, max_size=300))
def test_a_readers_link_is_broken_over_as_many_lines_as_it_needs(link: str) -> None:
    encoded = quoted_word(link)

    assert shown(encoded) == link
    assert all(len(line) <= 76 and not line.startswith(b".") for line in encoded.split(b"\r\n"))
