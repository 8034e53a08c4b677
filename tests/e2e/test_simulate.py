"""A year rehearsed: the program keeps its promises, and the judge is no friend of it.

Half a year of 200 readers takes about fifteen seconds, a short rehearsal two or three; years need --long.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from program import SETTINGS, digest, letter, tree, written

from digest import mailing
from digest.cli.simulate import report
from digest.model import Letter, Outcome
from digest.settings import Settings, load
from digest.simulate import Broken, Plan, Promise, Year, rehearse
from digest.simulate.server import Server
from digest.store import Store
from digest.store.database import writing

BEGINS = datetime(2026, 3, 2, tzinfo=UTC)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    settings = SETTINGS.replace("starts = 2024-10-01", "starts = 2026-01-01\nmax_posts = 4")
    return letter(tmp_path / "letter", written("One"), settings=settings)


@pytest.fixture
def settings(project: Path) -> Settings:
    return load(project, {})


def short(settings: Settings, **changes: Any) -> Year:
    """Six weeks with fifty readers."""
    return rehearse(settings, replace(Plan(begins=BEGINS, weeks=6, readers=50, seed=3), **changes))


def broken(year: Year) -> set[Promise]:
    return {it.promise for it in year.broken}


# ---------------------------------------------------------------------------------- a year that holds


def test_half_a_year_keeps_every_promise_and_adds_up(project: Path) -> None:
    before = tree(project)
    ran = digest(
        *("--project", project, "--now", "2026-03-02", "--json"),
        *("simulate", "--weeks", "26", "--readers", "200"),
    )
    year = json.loads(ran.out)
    assert (ran.code, year["broken"]) == (0, [])
    assert tree(project) == before, "nothing of the project is touched"
    assert year["again"] == "digest --now 2026-03-02 simulate --weeks 26 --readers 200 --seed 1"
    assert all(year["looks"].values()), "each promise was looked at"
    for line in year["issues"]:
        parts = ("accepted", "refused", "suppressed", "uncertain", "waiting")
        assert line["candidates"] == sum(line[part] for part in parts)
    happened = {it["what"] for it in year["happened"]}
    assert happened >= {"server", "crash", "clock", "off", "on", "author", "held", "notice"}
    states = {line["state"] for line in year["issues"]}
    assert states >= {"sent", "cancelled", "skipped"}


@pytest.mark.long
@pytest.mark.parametrize("seed", range(2, 10))
@pytest.mark.parametrize(
    ("newsletter", "delivery"),
    [
        ("", ""),
        ('approval = "none"\nquiet_hours = "20:00-07:30"\n', 'uncertain = "resend"\n'),
        ('every = "day"\nat = "01:30"\ncutoff = "3h"\nmissed_within = "2h"\n', 'rate = "5/s"\n'),
    ],
)
def test_other_years_under_other_settings_keep_every_promise(
    tmp_path: Path, seed: int, newsletter: str, delivery: str
) -> None:
    table = SETTINGS.replace("starts = 2024-10-01\n", "").replace('on = "friday"\nat = "07:00"\n', "")
    usual = "" if 'at = "' in newsletter else 'on = "friday"\nat = "07:00"\n'
    text = f"{table}{usual}{newsletter}starts = 2026-01-01\n[delivery]\n{delivery}"
    found = load(letter(tmp_path / "letter", settings=text), {})
    year = rehearse(found, Plan(begins=BEGINS, weeks=52, readers=300, seed=seed))
    assert year.broken == ()


def test_the_same_seed_makes_the_same_year_and_another_seed_another(settings: Settings) -> None:
    first = short(settings, weeks=4)
    assert short(settings, weeks=4) == first
    assert short(settings, weeks=4, seed=4).totals != first.totals


def test_a_rehearsal_tells_how_far_it_is_once_a_week(settings: Settings) -> None:
    told: list[int] = []
    short(settings, weeks=2, tell=lambda week, _: told.append(week))
    assert told == [1, 2]


# ----------------------------------------------------------------------------- a judge that can say no


class Liar(Server):
    """Says that it has a message, and every fifth time has not."""

    count = 0

    def _take(self, letter: Letter, body: bytes) -> None:
        self.count += 1
        if self.count % 5:
            super()._take(letter, body)


class Scribe(Server):
    """Writes something else down than it was given."""

    def content(self, letter: Letter, body: bytes) -> Outcome:
        return super().content(letter, body.replace(b"treated", b"bleated"))


class Doubler(Server):
    """Has each message twice."""

    def _take(self, letter: Letter, body: bytes) -> None:
        super()._take(letter, body)
        super()._take(letter, body)


@pytest.mark.parametrize(
    ("server", "promise"), [(Liar, Promise.ONCE), (Doubler, Promise.ONCE), (Scribe, Promise.APPROVED)]
)
def test_the_server_is_believed_before_the_ledger(
    settings: Settings, server: Callable[..., Server], promise: Promise
) -> None:
    assert promise in broken(short(settings, server=server))


def sender(*before: str, after: Sequence[str] = ()) -> Callable[..., Any]:
    """The program's own sending, over a store in which something is changed before it or after."""

    def spoil(store: Store, statements: Sequence[str]) -> None:
        with writing(store.engine) as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)

    async def send(settings: Settings, store: Store, number: int, *rest: Any, **means: Any) -> object:
        spoil(store, before)
        sent = await mailing.send(settings, store, number, *rest, **means)
        spoil(store, after)
        return sent

    return send


FORGETS_WHO_LEFT = sender(
    "DELETE FROM suppression", "UPDATE subscriber SET state = 'confirmed' WHERE state = 'left'"
)
TRIES_THE_UNCERTAIN_AGAIN = sender(
    "UPDATE delivery SET state = 'queued', next_at = NULL WHERE state IN ('uncertain', 'submitting')",
    "UPDATE chunk SET open = 1 WHERE owner IS NULL",
)
FORGETS_WHAT_WAS_MAILED = sender(
    "DELETE FROM issue_post",
    "UPDATE post SET fate = 'waiting', issue = NULL, carried_hash = ''",
)
MISCOUNTS_A_READER = sender(after=["UPDATE delivery SET state = 'suppressed' WHERE place = 3"])


@pytest.mark.parametrize(
    ("send", "promise"),
    [
        (FORGETS_WHO_LEFT, Promise.NOBODY_ELSE),
        (TRIES_THE_UNCERTAIN_AGAIN, Promise.ONCE),
        (FORGETS_WHAT_WAS_MAILED, Promise.POSTS),
        (MISCOUNTS_A_READER, Promise.ONCE),
    ],
    ids=["forgets who left", "tries the uncertain again", "forgets what was mailed", "miscounts a reader"],
)
def test_a_sender_that_breaks_a_rule_is_found_out(
    settings: Settings, send: Callable[..., Any], promise: Promise
) -> None:
    assert promise in broken(short(settings, send=send))


def test_a_broken_promise_is_told_with_its_week_and_how_to_see_it_again(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    year = short(settings, weeks=1)
    assert report(year, as_json=False) == 0
    assert "next: digest simulate --seed 4" in capsys.readouterr().err
    wrong = replace(year, broken=(Broken(promise=Promise.ONCE, week=5, says="reader 17 has it twice"),))
    assert report(wrong, as_json=False) == 1
    said = capsys.readouterr().out
    assert "week 5: reader 17 has it twice" in said
    assert "digest --now 2026-03-02 simulate --weeks 1 --readers 50 --seed 3" in said
    assert report(wrong, as_json=True) == 1
    assert json.loads(capsys.readouterr().out)["kept"] is False
