"""Letters in a folder: whole or not at all, once, and under names that every disk bears."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.errors import SettingsError
from digest.model import Letter
from digest.testing.bag import FakeBag, letter, letters
from digest.transports import TransportOptions
from digest.transports.folder import Folder, Format, make, name_of


def carried(path: Path, bag: FakeBag, form: Format = Format.EML) -> None:
    asyncio.run(Folder(path, form, pause=lambda _: 0).carry(bag))
    bag.assert_rules_kept()


def with_message_id(message_id: str) -> bytes:
    return f"To: reader-0@example.org\r\nMessage-ID: <{message_id}>\r\n\r\nBoth read.\r\n".encode()


def named(message_id: str) -> str:
    return name_of(letter(0), with_message_id(message_id))


def tried_before(sent: Letter) -> Letter:
    return Letter(
        sent.issue,
        sent.place,
        sent.sender,
        sent.recipient,
        sent.content,
        sent.size,
        attempts=sent.attempts + 1,
    )


def test_a_letter_is_a_file_with_its_message_id_as_name(tmp_path: Path) -> None:
    sent = letter(7)
    bag = FakeBag.of([sent])
    carried(tmp_path / "out" / "box", bag)
    (path,) = (tmp_path / "out" / "box").glob("*.eml")
    assert path.name == "7.1@remission.example.org.eml"
    assert path.read_bytes() == sent.content()
    assert bag.outcomes[sent.recipient].text == "7.1@remission.example.org"


@pytest.mark.parametrize("form", Format)
def test_a_second_try_overwrites(form: Format, tmp_path: Path) -> None:
    for _ in range(2):
        carried(tmp_path, FakeBag.of(letters(3)), form)
    shown = tmp_path / "new" if form is Format.MAILDIR else tmp_path
    assert len([path for path in shown.iterdir() if path.is_file()]) == 3


def test_a_letter_that_was_read_already_does_not_come_again(tmp_path: Path) -> None:
    sent = letter(0)
    carried(tmp_path, FakeBag.of([sent]), Format.MAILDIR)
    (new,) = (tmp_path / "new").iterdir()
    new.rename(tmp_path / "cur" / f"{new.name}:2,S")
    carried(tmp_path, FakeBag.of([tried_before(sent)]), Format.MAILDIR)
    assert list((tmp_path / "new").iterdir()) == list((tmp_path / "tmp").iterdir()) == []


@pytest.mark.parametrize("form", Format)
def test_nothing_is_to_be_seen_before_the_intent(form: Format, tmp_path: Path) -> None:
    seen: list[list[Path]] = []

    def answer(_: Letter) -> bool:
        pattern = "new/*" if form is Format.MAILDIR else "*.eml"
        seen.append(list(tmp_path.glob(pattern)))
        return False

    carried(tmp_path, FakeBag.of(letters(3), answer=answer), form)
    assert seen == [[], [], []]


def test_on_a_full_disk_letters_go_back_until_there_is_room(tmp_path: Path) -> None:
    hidden = tmp_path / ".tmp"
    hidden.mkdir()
    sent = letter(0)
    full = hidden / name_of(sent, sent.content())
    full.symlink_to("/dev/full")
    paused: list[int] = []

    def pause(failures: int) -> float:
        paused.append(failures)
        if failures == 2:
            full.unlink()
        return 0

    bag = FakeBag.of([sent], stops_at_trouble=False)
    asyncio.run(Folder(tmp_path, pause=pause).carry(bag))
    assert [str(trouble) for trouble in bag.troubles] == [
        "the folder cannot be written: No space left on device (at connect)"
    ] * 2
    assert {trouble.result.value for trouble in bag.troubles} == {"try later"}
    assert paused == [1, 2]
    assert bag.results == ["accepted"]
    assert [path.read_bytes() for path in tmp_path.glob("*.eml")] == [sent.content()]
    bag.assert_rules_kept()


def test_a_folder_that_cannot_be_is_trouble_and_no_letter_is_lost(tmp_path: Path) -> None:
    (tmp_path / "outbox").write_text("a file")
    bag = FakeBag.of(letters(2))
    carried(tmp_path / "outbox", bag)
    assert {(trouble.result.value, trouble.stage.value) for trouble in bag.troubles} == {
        ("refused", "connect")
    }
    assert bag.outcomes == {}
    assert sorted(sent.place for sent in bag.given_back) == [0, 1]


def test_a_folder_that_goes_away_after_the_intent_costs_the_reader_nothing(tmp_path: Path) -> None:
    def answer(_: Letter) -> bool:
        (tmp_path / ".tmp").rename(tmp_path / "elsewhere")
        return True

    bag = FakeBag.of([letter(0)], answer=answer)
    carried(tmp_path, bag)
    assert [(str(outcome.result), str(outcome.stage)) for outcome in bag.outcomes.values()] == [
        ("try later", "content")
    ]


@given(st.text(st.characters(min_codepoint=33, exclude_characters="<>", codec="utf-8"), min_size=1))
def test_every_message_id_gives_a_name_that_stays_in_the_folder(message_id: str) -> None:
    name = named(message_id)
    assert Path(name).name == name
    assert name == name.lower()
    assert not name.startswith(".")
    assert 0 < len(name) <= 140
    assert name.isascii()


def test_names_differ_where_message_ids_do() -> None:
    alike = ["a@example.org", "A@example.org", "a/@example.org", "a_@example.org", "../a@example.org"]
    assert len({named(message_id) for message_id in alike}) == len(alike)
    assert named("x" * 200 + "1@example.org") != named("x" * 200 + "2@example.org")


def test_a_letter_without_a_message_id_is_named_after_its_place() -> None:
    body = b"Subject: x\r\n\r\nMessage-ID: <in-the-body@example.org>\r\n"
    assert name_of(letter(3, body), body) == "issue-1-letter-3"


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"paht": "x"}, "no key paht"),
        ({"format": "mbox"}, "format = 'mbox'"),
        ({"path": 7}, "path is no text"),
    ],
)
def test_what_cannot_be_is_said(values: dict[str, Any], says: str, tmp_path: Path) -> None:
    options = TransportOptions(root=tmp_path, connections=1)
    with pytest.raises(SettingsError) as wrong:
        make(replace(options, values=values))
    assert says in wrong.value.says
