"""No character leaves that a feed, a header or an address cannot carry; names are made of plain words."""

from __future__ import annotations

import re

import pytest

from digest.characters import clean, cut, forbidden, one_line, slugify, uri


def test_exactly_the_characters_of_xml_stay() -> None:
    points = [
        *range(0x2100),
        *range(0xD7F0, 0xE010),
        *range(0xFDC0, 0xFE00),
        *range(0xFFF0, 0x10010),
        0x1FFFE,
        0x10FFFF,
    ]
    gone = {point for point in points if not clean(chr(point))}
    assert gone == {
        *(set(range(0x20)) - {9, 10, 13}),
        *range(0x7F, 0xA0),
        *range(0xD800, 0xE000),
        *range(0xFDD0, 0xFDF0),
        *(0xFFFD, 0xFFFE, 0xFFFF, 0x1FFFE, 0x10FFFF),
    }


def test_what_was_left_out_is_told_with_its_place() -> None:
    assert forbidden("a\x00b\uffff") == [(1, "\x00"), (3, "\uffff")]
    assert clean("a\x00b\uffff") == "ab"
    assert forbidden("quite fine 🩺") == []


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a\n b\u2028c", "a b c"),
        ("<b>a</b> < b", "a < b"),
        ("<scr<b>ipt>x</scr</b>ipt>", "x"),
        ("<" + "<b>" * 20 + "b>", "<b>"),
        ("p<0.05 and a<b", "p<0.05 and a<b"),
        ("\u202ea\u2066b\u2069", "ab"),
    ],
)
def test_a_line_is_plain_words(text: str, line: str) -> None:
    assert one_line(text) in (line, "")


@pytest.mark.parametrize(
    ("text", "slug"),
    [
        ("Ménière & Sjögren", "meniere-sjogren"),
        ("Ærø, Łódź, Straße, Đà, Þór", "aero-lodz-strasse-da-thor"),
        ("Weekly-Digest/", "weekly-digest"),
        ("../../etc/passwd", "etc-passwd"),
        ("CON", "x-con"),
        ("lpt1", "x-lpt1"),
        ("con-2", "con-2"),
        ("a" * 200, "a" * 80),
        ("½ × 10⁶", "1-2-106"),
    ],
)
def test_a_slug_is_made_of_plain_letters(text: str, slug: str) -> None:
    assert slugify(text) == slug


@pytest.mark.parametrize("text", ["🩺", "हृदय", "!!!", "", "\x00", "ก", "\u202e"])
def test_a_text_without_a_latin_letter_has_a_slug_of_its_own(text: str) -> None:
    assert re.fullmatch(r"x[0-9a-f]{8}", slugify(text))
    assert slugify(text) == slugify(text)
    assert slugify("🩺") != slugify("🫀")


@pytest.mark.parametrize(
    ("address", "ascii"),
    [
        ("https://x.example/a b", "https://x.example/a%20b"),
        ("https://x.example/%20%", "https://x.example/%20%25"),
        ("https://ü.example:8080/ü?ü#ü", "https://xn--tda.example:8080/%C3%BC?%C3%BC#%C3%BC"),
        ('https://x.example/"<>', "https://x.example/%22%3C%3E"),
        ("/a|b\\c", "/a%7Cb%5Cc"),
    ],
)
def test_an_address_becomes_ascii_and_stays_so(address: str, ascii: str) -> None:
    assert uri(address) == ascii
    assert uri(ascii) == ascii


def test_a_long_text_is_cut_at_a_sentence_or_a_word() -> None:
    assert cut("Short.", 10) == "Short."
    assert cut("One sentence. Another one follows.", 20) == "One sentence."
    assert cut("A single long sentence without an end", 20) == "A single long…"
    assert len(cut("x" * 500, 100)) <= 101
