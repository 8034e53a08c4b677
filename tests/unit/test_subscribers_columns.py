"""CSV files as programs make them: whatever stands in one, each record is read or named with its line."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.subscribers import columns
from digest.subscribers.cells import guarded, unguarded
from digest.subscribers.columns import Broken, Record, bounded, records, separator, shape

CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)


def read(text: str, separator: str = ",") -> list[columns.Found]:
    return list(records(bounded(io.StringIO(text, newline="").readline), separator))


def cells(found: Iterable[columns.Found]) -> list[list[str]]:
    return [it.cells for it in found if isinstance(it, Record)]


@given(st.lists(st.lists(CELLS, min_size=2, max_size=4), max_size=6), st.sampled_from(columns.SEPARATORS))
def test_what_was_written_is_read(rows: list[list[str]], separator: str) -> None:
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=separator).writerows(rows)
    assert cells(read(out.getvalue(), separator)) == [row for row in rows if any(row)]


@given(st.text(max_size=200))
def test_any_text_is_read_to_its_end_or_named(text: str) -> None:
    for it in read(text):
        assert it.line >= 1
        assert isinstance(it, Record) or it.why


def test_a_record_knows_the_line_it_begins_in() -> None:
    found = read('email,note\na@b.org,"two\nlines"\n\nc@d.org,x\n')
    assert [it.line for it in found] == [1, 2, 5]


def test_lines_may_end_as_on_any_machine() -> None:
    for end in ("\n", "\r\n", "\r"):
        assert cells(read(end.join(["a,b", "c,d", ""]))) == [["a", "b"], ["c", "d"]]


def test_a_quotation_mark_that_is_not_closed_is_named_with_the_lines_it_takes() -> None:
    found = read('email,name\na@b.org,"Ada\nb@b.org,Bo\n')
    assert found[1] == Broken(2, 3, "a quotation mark is opened and not closed")


def test_a_mark_left_open_in_a_long_file_does_not_take_the_rest_of_it() -> None:
    lines = ["email,name", 'a@b.org,"Ada', *(f"reader-{n}@example.org,Reader" for n in range(10_000))]
    found = read("\n".join(lines))
    [broken] = [it for it in found if isinstance(it, Broken)]
    assert broken.line == 2
    assert found[-1] == Record(10_002, ["reader-9999@example.org", "Reader"])
    assert broken.last - broken.line + 1 + len(cells(found)) == len(lines)


def test_a_stray_mark_breaks_its_own_line_alone() -> None:
    found = read('a@b.org,"Ada" Example\nc@d.org,"Bo ""B"" Example"\n')
    assert isinstance(found[0], Broken)
    assert "double each mark" in found[0].why
    assert found[1] == Record(2, ["c@d.org", 'Bo "B" Example'])


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("a@b.org,\0", "zero byte"),
        ("," * 2_000 + "x", "2,001 cells"),
        ("x" * (columns.LONGEST_LINE + 5), "longer than a million characters"),
        ('"' + "x" * 200_000 + '"', "not closed"),
    ],
)
def test_a_monstrous_record_is_named_and_the_next_one_read(line: str, why: str) -> None:
    broken, after = read(f"{line}\nc@d.org,Bo\n")
    assert isinstance(broken, Broken)
    assert why in broken.why
    assert after == Record(2, ["c@d.org", "Bo"])


def test_of_an_endless_line_only_its_beginning_is_ever_held() -> None:
    asked: list[int] = []

    def readline(most: int) -> str:
        asked.append(most)
        return "x" * most if len(asked) < 50 else ""

    [line] = bounded(readline)
    assert len(line) == columns.LONGEST_LINE + 1
    assert len(asked) > 50


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("email,name\n", ","),
        ("email;name;note\n", ";"),
        ("email\tname\n", "\t"),
        ('"a;b;c",name\n', ","),
        ("\n\nemail;name\n", ";"),
        ("reader@example.org\n", ","),
        ("", ","),
    ],
)
def test_the_separator_is_seen_in_the_first_line_that_says_anything(text: str, expected: str) -> None:
    assert separator(text) == expected


@pytest.mark.parametrize(
    ("content", "encoding", "guessed"),
    [
        ("email\nJörg\n".encode(), "utf-8-sig", ""),
        ("\ufeffemail\nJörg\n".encode(), "utf-8-sig", ""),
        ("email\nJörg\n".encode("cp1252"), "cp1252", "Windows-1252"),
        ("email\tname\nJörg\n".encode("utf-16"), "utf-16", "UTF-16"),
        ("email\tname\nJörg\n".encode("utf-16-le"), "utf-16-le", "UTF-16"),
        ("email\tname\nJörg\n".encode("utf-16-be"), "utf-16-be", "UTF-16"),
        (b"", "utf-8-sig", ""),
    ],
)
def test_the_encoding_is_told_and_said_where_it_was_guessed(
    content: bytes, encoding: str, guessed: str
) -> None:
    for size in (1, 3, 1_000):
        pieces = [content[at : at + size] for at in range(0, len(content), size)] if size > 1 else [content]
        found = shape(pieces)
        if size == 1_000 or "16" not in encoding:
            assert found.encoding == encoding
            assert guessed in found.guessed
            assert bool(found.guessed) == bool(guessed)


def test_one_letter_at_the_very_end_tells_that_a_file_is_not_utf_8() -> None:
    assert shape([b"a,b\n" * 50_000, b"J\xf6rg"]).encoding == "cp1252"
    assert shape([b"a,b\n" * 50_000, b"J\xc3"]).encoding == "cp1252"
    assert shape([b"a,b\n", b"J\xc3", b"\xb6rg\n"]).encoding == "utf-8-sig"


def test_a_file_beyond_all_measure_is_refused() -> None:
    piece = bytes(1 << 20)
    with pytest.raises(columns.TooLarge):
        shape(piece for _ in range((columns.MOST_BYTES >> 20) + 1))


# --------------------------------------------------------------------------------------------- cells


@given(st.text(max_size=10))
def test_what_was_guarded_comes_back_letter_for_letter(text: str) -> None:
    assert unguarded(guarded(text)) == text
    assert guarded(text)[:1] not in set("=+-@\t\r\n＝＋－＠")


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "＝1+1", "－1", "'=1"])
def test_no_cell_of_an_export_is_a_formula(text: str) -> None:
    assert guarded(text) == f"'{text}"


def test_an_ordinary_cell_stays_as_it_is() -> None:
    for text in ("Ada", "reader@example.org", "", "O'Reader", "1-2"):
        assert guarded(text) == text
        assert unguarded(text) == text
    assert unguarded("'s Example") == "'s Example"
