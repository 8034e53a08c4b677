"""The plan as a calendar, read back by another program's parser."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from builders import newsletter, post
from hypothesis import given
from hypothesis import strategies as st
from icalendar import Calendar
from program import LETTER_NOW, digest, letter, written

from digest.collect import observe, remembered
from digest.model import Post, Site, Slot
from digest.plan import plan
from digest.render.calendar import Event, calendar, cut_event, planned_events

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
SITE = Site(
    title="Remission Weekly", url="https://remission.example.org", author="", id_host="remission.example.org"
)


def planned(posts: list[Post]) -> list[Event]:
    ledger = remembered({}, observe(posts, {}, newsletter(), NOW))
    return list(planned_events(plan(posts, ledger, newsletter(), NOW, 2, 7)))


def events(made: bytes) -> list[Any]:
    return list(Calendar.from_ical(made).walk("VEVENT"))


def test_each_slot_has_its_cutoff_and_its_sending_in_utc() -> None:
    found = events(calendar(SITE, planned([post("a")]), NOW))
    assert [(str(it["SUMMARY"]), it.decoded("DTSTART")) for it in found] == [
        ("Issue 7 is cut", datetime(2026, 11, 5, 19, 0, tzinfo=UTC)),
        ("Issue 7 goes out", datetime(2026, 11, 6, 7, 0, tzinfo=UTC)),
        ("No issue yet: too little waits", datetime(2026, 11, 13, 7, 0, tzinfo=UTC)),
    ]
    assert str(found[0]["DESCRIPTION"]) == "On a"
    assert {it.decoded("DTSTAMP") for it in found} == {NOW}


def test_an_event_is_known_again_whatever_its_hour_and_number() -> None:
    before, after = (
        [str(it["UID"]) for it in events(calendar(SITE, planned(posts), NOW))]
        for posts in ([post("a")], [post("a"), post("b")])
    )
    assert before == after
    assert before[:2] == ["2026-11-06-cut@remission.example.org", "2026-11-06-sends@remission.example.org"]
    early = Slot(
        cutoff=NOW, sends=datetime(2026, 11, 6, 9, tzinfo=UTC), day=datetime(2026, 11, 6, tzinfo=UTC).date()
    )
    assert [str(it["UID"]) for it in events(calendar(SITE, [cut_event(8, early, "Two trials")], NOW))] == [
        "2026-11-06-sends@remission.example.org"
    ]


def test_the_same_plan_gives_the_same_bytes() -> None:
    assert calendar(SITE, planned([post("a")]), NOW) == calendar(SITE, planned([post("a")]), NOW)


TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from(';,\\:"\n'), max_size=300)


@given(TEXTS, TEXTS)
def test_whatever_a_title_holds_is_read_back_as_it_was(summary: str, description: str) -> None:
    made = calendar(
        SITE, [Event(name="2026-11-06-cut", at=NOW, summary=summary, description=description)], NOW
    )
    (found,) = events(made)
    assert str(found["SUMMARY"]) == summary
    assert str(found.get("DESCRIPTION", "")) == description
    lines = made.split(b"\r\n")
    assert all(len(line) <= 75 for line in lines)
    assert b"\n" not in b"".join(lines)
    assert [line.decode() for line in lines]  # no character is torn


@pytest.mark.parametrize("where", ["file", "standard output"])
def test_the_command_puts_it_where_it_is_asked_to(tmp_path: Path, where: str) -> None:
    project = letter(tmp_path / "letter", written("One"))
    file = [str(tmp_path / "plan.ics")] if where == "file" else []
    ran = digest("--project", project, "--now", LETTER_NOW, "plan", "--ical", *file, "--count", "1")
    assert ran.code == 0
    made = (tmp_path / "plan.ics").read_bytes() if file else ran.out.encode()
    assert [str(it["SUMMARY"]) for it in events(made)] == ["Issue 1 is cut", "Issue 1 goes out"]
    assert events(made)[1].decoded("DTSTART") - events(made)[0].decoded("DTSTART") == timedelta(hours=12)


def test_a_cut_issue_stands_in_it_until_it_goes(tmp_path: Path) -> None:
    project = letter(tmp_path / "letter", written("One"))
    digest("--project", project, "--now", LETTER_NOW, "issue", "cut")
    ran = digest("--project", project, "--now", LETTER_NOW, "plan", "--ical")
    assert str(events(ran.out.encode())[0]["SUMMARY"]) == "Issue 1 goes out: One"


def test_a_file_without_being_asked_for_a_calendar_is_wrong_use(tmp_path: Path) -> None:
    ran = digest("--project", letter(tmp_path / "letter"), "plan", "plan.ics")
    assert (ran.code, "add --ical" in ran.err) == (2, True)
