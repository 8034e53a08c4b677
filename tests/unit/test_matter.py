"""The head of a post is read as typed, or refused with the line and what to write instead."""

from __future__ import annotations

import re
import time

import pytest

from digest.matter import Matter, MatterError, Word, read, scalars


def head(*lines: str, body: str = "Text.\n") -> Matter:
    return read("\n".join(["---", *lines, "---", body]), where="posts/a.md")


def refused(text: str) -> str:
    with pytest.raises(MatterError) as caught:
        read(text, where="posts/a.md")
    said = str(caught.value)
    assert re.fullmatch(r"posts/a\.md:\d+: [^;]+; .+", said), said
    return said


def yaml(*lines: str) -> str:
    return refused("\n".join(["---", *lines, "---", "Text.", ""]))


@pytest.mark.parametrize(
    ("typed", "kind"),
    [
        ("010", "a number"),
        ("12:30", "a number"),
        ("1_000", "a number"),
        ("1.10", "a number"),
        ("0x1F", "a number"),
        ("no", "true or false"),
        ("Off", "true or false"),
        ("2026-02-30", ""),
        ("2026-11-06", "a date"),
        ("~", "nothing"),
        ("NEJM 2024", ""),
    ],
)
def test_a_value_stays_what_the_author_typed(typed: str, kind: str) -> None:
    value = head(f"key: {typed}").values["key"]
    assert isinstance(value, Word)
    assert value == typed
    if typed != "2026-02-30":  # YAML's own pattern calls it a date; nobody makes one of it here
        assert value.kind == kind


def test_a_quoted_value_is_text_whatever_it_looks_like() -> None:
    assert head('key: "2026"').values["key"].kind == ""


def test_every_value_knows_its_line() -> None:
    matter = head("title: A", "study:", "  n: 15", "tags:", "  - one", "  - two")
    assert [(path, word.line) for path, word in scalars(matter.values)] == [
        (("title",), 2),
        (("study", "n"), 4),
        (("tags", 0), 6),
        (("tags", 1), 7),
    ]
    assert matter.line(("study", "n")) == 4
    assert matter.line(("study", "absent")) == 3
    assert matter.line(("absent",)) is None


def test_the_body_begins_behind_the_fence_and_knows_its_line() -> None:
    matter = head("title: A", body="\nFirst.\n\n---\n\nSecond.\n")
    assert matter.body == "\nFirst.\n\n---\n\nSecond.\n"
    assert matter.body_line == 4


def test_a_title_with_a_colon_is_told_to_be_quoted_with_the_quotes_in_place() -> None:
    said = yaml("date: 2026-11-06", "title: Lupus: fifteen patients: all well")
    assert said.startswith("posts/a.md:3: title has a colon in it; ")
    assert 'title: "Lupus: fifteen patients: all well"' in said


@pytest.mark.parametrize(
    ("lines", "line", "says"),
    [
        (["title: A", "\tdate: 2026"], 3, "a line begins with a tab"),
        (["title: A", 'summary: "open', "date: 2026-11-06"], 3, "a quotation mark is not closed"),
        (["title: A", "date: 2026-11-06", "title: B"], 4, "title is written twice (first in line 2)"),
        (["title: &a A", "summary: *a"], 2, "anchors and aliases"),
        (["title: *Helicobacter* and iron"], 2, "title begins with *"),
        (["title: !!python/object/apply:os.system [ls]"], 2, "the YAML tag !!python/object/apply:os.system"),
        (["title: !secret key"], 2, "the YAML tag !secret"),
        (["title: !!binary aGVsbG8="], 2, "the YAML tag !!binary"),
        (["? [a, b]", ": c"], 2, "a key is not a plain word"),
        (["title: [a, b"], 2, "the front matter is not YAML"),
        (["title: A", "  date: 2026"], 3, "the front matter is not YAML"),
        (["- a list", "- of things"], 2, "the front matter is no list of keys"),
        (["just words"], 2, "the front matter is no list of keys"),
        (["a: " + "[" * 50 + "]" * 50], 2, "nested too deep"),
    ],
)
def test_what_yaml_trips_over_is_said_with_its_line(lines: list[str], line: int, says: str) -> None:
    said = yaml(*lines)
    assert said.startswith(f"posts/a.md:{line}: ")
    assert says in said


@pytest.mark.parametrize(
    "bomb",
    [
        "a: " + "[" * 60_000,
        "a: " + "[" * 30_000 + "]" * 30_000,
        "- " * 30_000,
        "\n".join(" " * n + "a:" for n in range(340)),
        "{" * 60_000,
        "a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]",
        "a: &a {b: c}\nd:\n  <<: *a",
    ],
)
def test_a_bomb_is_refused_at_once(bomb: str) -> None:
    began = time.monotonic()
    yaml(bomb)
    assert time.monotonic() - began < 1


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("Just a note.\n", "there is no front matter"),
        ("", "there is no front matter"),
        ("---\ntitle: A\n\nText.\n", "the front matter is not closed"),
        ("+++\ntitle = 'A'\n", "the front matter is not closed"),
        ('{"title": "A"\n', "the front matter is not closed"),
        ("\n---\ntitle: A\n---\n", "something stands before the front matter"),
        ("  ---\ntitle: A\n---\n", "something stands before the front matter"),
        ("---\nsummary: " + "x" * 70_000 + "\n---\n", "the front matter is over 64 KiB"),
        ("+++\ntitle = A\n+++\n", "the front matter is not TOML"),
        ("+++\ntitle = " + "9" * 5000 + "\n+++\n", "the front matter is not TOML"),
        ("+++\na = " + "[" * 20_000 + "]" * 20_000 + "\n+++\n", "nested too deep"),
        ("+++\na = " + "[" * 40 + "]" * 40 + "\n+++\n", "nested too deep"),
        ('{\n"title": A\n}\n', "the front matter is not JSON"),
        ('{"a": ' + "[" * 900 + "]" * 900 + "}\n", "nested too deep"),
        ('{\n"title": "A",\n"title": "B"\n}\n', "title is written twice (first in line 2)"),
        ("---\n- a\n---\n", "no list of keys"),
    ],
)
def test_a_head_that_is_none_is_refused_and_never_silently_empty(text: str, says: str) -> None:
    assert says in refused(text)


def test_an_empty_head_has_no_values() -> None:
    assert read("---\n---\nText.\n", where="posts/a.md").values == {}


def test_toml_and_json_keep_words_and_lines_as_yaml_does() -> None:
    toml = read('+++\ntitle = "A"\nissue = 10\ndate = 2026-11-06\n[extra]\nx = 1.10\n+++\nText.\n', where="a")
    json = read('{\n  "title": "A",\n  "issue": 10,\n  "draft": true,\n  "tags": null\n}\nText.\n', where="a")
    assert toml.values == {"title": "A", "issue": "10", "date": "2026-11-06", "extra": {"x": "1.10"}}
    assert (toml.line(("date",)), toml.body, toml.body_line) == (4, "Text.\n", 8)
    assert json.values == {"title": "A", "issue": "10", "draft": "true", "tags": ""}
    assert (json.line(("issue",)), json.values["tags"].kind, json.body) == (3, "nothing", "Text.\n")


def test_an_escape_brings_no_character_in_that_the_file_could_not_hold() -> None:
    assert head(r'title: "A\0B\u0007C\ufffeD"').values["title"] == "ABCD"
    assert read('{"title": "A\\u0000B\\ud800"}\nText.', where="a").values["title"] == "AB"
