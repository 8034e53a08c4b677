"""Dates, counts and line breaks, as readers of many languages meet them."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.render.wording import counted, direction, underlined, wrapped, written_date


@pytest.mark.parametrize(
    ("language", "written"),
    [
        ("en", "5 March 2026"),
        ("en-GB", "5 March 2026"),
        ("de", "5.3.2026"),
        ("pt_BR", "05/03/2026"),
        ("nl", "5-3-2026"),
        ("ja", "2026年3月5日"),
        ("ar", "2026-03-05"),
        ("", "2026-03-05"),
    ],
)
def test_a_day_is_written_as_its_readers_write_it(language: str, written: str) -> None:
    assert written_date(date(2026, 3, 5), language) == written


def test_an_instant_is_the_day_of_the_publications_own_calendar() -> None:
    evening = datetime(2026, 11, 16, 23, 30, tzinfo=UTC)

    assert written_date(evening, timezone="Europe/London") == "16 November 2026"
    assert written_date(evening, timezone="Asia/Tokyo") == "17 November 2026"


def test_counts_are_written_in_words_that_fit() -> None:
    assert [counted(number, "post") for number in (0, 1, 2)] == ["0 posts", "1 post", "2 posts"]
    assert counted(2, "study", "studies") == "2 studies"


def test_scripts_know_their_direction() -> None:
    assert [direction(code) for code in ("en", "ar-EG", "he", "fa", "ur", "az")] == [
        "ltr",
        "rtl",
        "rtl",
        "rtl",
        "rtl",
        "ltr",
    ]


def test_long_lines_are_broken_under_their_own_words() -> None:
    line = "12. " + "word " * 20 + "end"

    first, second = wrapped(line).split("\n")

    assert first.startswith("12. word")
    assert second.startswith("    word")
    assert wrapped("   " + "word " * 20).split("\n")[1].startswith("   word")


def test_an_address_is_never_broken_and_a_no_break_space_never_parted() -> None:
    address = "<https://example.org/" + "a" * 90 + ">"

    assert wrapped(f"Read on the web: {address}").split("\n") == ["Read on the web:", address]
    assert "\u00a0" not in {line[-1] for line in wrapped("95\u00a0% " * 40).split("\n")}


def test_a_script_without_spaces_is_broken_between_its_letters() -> None:
    assert max(map(len, wrapped("狼瘡腎炎の新しい治療" * 20).split("\n"))) <= 72


def test_a_heading_in_plain_text_is_underlined_as_far_as_it_goes() -> None:
    assert underlined("Corrections") == "Corrections\n-----------"
    assert underlined("word " * 20, "=").split("\n")[-1] == "=" * 69


@given(st.text(st.sampled_from("ab \u00a0é狼-"), max_size=300), st.integers(10, 80))
def test_breaking_lines_loses_no_word(text: str, width: int) -> None:
    broken = wrapped(text, width)

    assert broken.replace("\n", "").replace(" ", "") == text.replace(" ", "")
    assert all(len(line) <= width or " " not in line.strip(" ") for line in broken.split("\n"))
