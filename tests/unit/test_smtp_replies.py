"""Bytes of a mail server become replies, however they are cut, and garbage is known as garbage (1 s)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.model import Result, Stage
from digest.transports.smtp.replies import LINE_BYTES, REPLY_BYTES, REPLY_LINES, Replies, Reply, one_line

CODES = st.integers(200, 599)
TEXTS = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=40).map(str.encode)
REPLIES = st.lists(st.tuples(CODES, st.lists(TEXTS, min_size=1, max_size=4)), max_size=6)


def said(code: int, lines: list[bytes]) -> bytes:
    marks = [b"-"] * (len(lines) - 1) + [b" "]
    return b"".join(b"%d%b%b\r\n" % (code, mark, line) for mark, line in zip(marks, lines, strict=True))


def read(data: bytes) -> tuple[list[Reply], str]:
    replies = Replies()
    return replies.read(data), replies.garbage


@given(REPLIES, st.data())
def test_replies_are_the_same_however_the_network_cuts_them(
    replies: list[tuple[int, list[bytes]]], data: st.DataObject
) -> None:
    wire = b"".join(said(code, lines) for code, lines in replies)
    cuts = sorted(data.draw(st.sets(st.integers(0, len(wire)), max_size=12)))
    reader, found = Replies(), []
    for start, end in zip([0, *cuts], [*cuts, len(wire)], strict=True):
        found += reader.read(wire[start:end])
    assert [(reply.code, list(reply.lines)) for reply in found] == replies
    assert (reader.garbage, reader.pending) == ("", False)


@given(st.binary(max_size=300))
def test_no_bytes_break_the_reader(data: bytes) -> None:
    replies, garbage = read(data)
    assert isinstance(garbage, str)
    for reply in replies:
        text = reply.outcome(Result.UNCERTAIN, Stage.CONTENT).text
        assert len(text) <= 300
        assert text.isprintable()


def test_a_reply_may_be_a_bare_code() -> None:
    assert read(b"250\r\n") == ([Reply(250, (b"",))], "")


def test_a_bare_lf_ends_a_line_too() -> None:
    assert read(b"250-a\n250 b\n") == ([Reply(250, (b"a", b"b"))], "")


@pytest.mark.parametrize(
    "data",
    [b"hello\r\n", b"\r\n", b"25\r\n", b"150 Go\r\n", b"600 Go\r\n", b"250_Ok\r\n", b"250-a\r\n251 b\r\n"],
)
def test_what_is_no_reply_is_garbage(data: bytes) -> None:
    replies, garbage = read(data)
    assert (replies, bool(garbage)) == ([], True)


def test_what_stood_before_garbage_still_counts() -> None:
    replies, garbage = read(b"250 2.0.0 Ok\r\nwhat?\r\n250 2.0.0 Ok\r\n")
    assert ([reply.code for reply in replies], bool(garbage)) == ([250], True)


@pytest.mark.parametrize(
    ("unit", "fits"),
    [
        (b"250-more\r\n", REPLY_LINES),
        (b"250-" + b"x" * 4000 + b"\r\n", REPLY_BYTES // 4006),
    ],
)
def test_a_reply_has_an_end(unit: bytes, fits: int) -> None:
    assert read(unit * fits)[1] == ""
    assert read(unit * (fits + 1))[1] == "a reply without end"


def test_a_line_has_an_end() -> None:
    line = b"250 " + b"x" * (LINE_BYTES - 5)
    assert read(line + b"\r\n")[1] == ""
    assert read(line + b"xx\r\n")[1] != ""
    reader = Replies()
    for _ in range(3):
        reader.read(line)
    assert reader.garbage == "a reply line without end"


@pytest.mark.parametrize(
    ("wire", "enhanced", "text"),
    [
        (b"550 5.1.1 No such user\r\n", "5.1.1", "No such user"),
        (b"550 No such user\r\n", "", "No such user"),
        (b"550 2.1.1 contradicts itself\r\n", "", "contradicts itself"),
        (b"550-5.7.26 Not signed\r\n550 5.7.26 See https://example.org\r\n", "5.7.26",
         "Not signed See https://example.org"),
        (b"250 2.0.0\r\n", "2.0.0", ""),
        (b"450 4.2.0 a\tb\x1b[31m\x00c\r\n", "4.2.0", "a b [31m c"),
        (b"554 5.7.1 na\xc3\xafve \xff\xe2\x80\xa8line\r\n", "5.7.1", "naïve line"),
    ],
)  # fmt: skip
def test_codes_and_words_are_told_apart(wire: bytes, enhanced: str, text: str) -> None:
    ((reply,), _) = read(wire)
    outcome = reply.outcome(Result.REFUSED, Stage.RECIPIENT)
    assert (outcome.enhanced, outcome.text) == (enhanced, text)


@given(st.text(max_size=400))
def test_whatever_is_told_is_one_short_line(text: str) -> None:
    assert one_line(text).isprintable()
    assert len(one_line(text)) <= 300
