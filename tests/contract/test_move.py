"""A store carried from SQLite to PostgreSQL: all of it, proved, and the old one never sends again."""

from __future__ import annotations

import re
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa
from audience import NOW, approve, begun, subscribe, suppress
from builders import newsletter, post
from postgres import Cluster
from program import SETTINGS, digest, environment, letter

from digest.collect import observe
from digest.errors import StoreError
from digest.model import Slot
from digest.store import Store, lifeline, schema
from digest.store.meanings import place
from digest.store.move import TABLES, Moved, move

URL = "sqlite:///digest.db"
AWKWARD = 'a\ttab, a\nline, a \\ and \\N, "quotes", ünïcödé 🎈, \x0b\x0c\x08 and an end\r\n'


@pytest.fixture
def empty(cluster: Cluster) -> Iterator[str]:
    url = cluster.database(empty=True)
    yield url
    cluster.drop(url)


def lived(project: Path) -> None:
    """A store with a bit of everything in it."""
    with Store.open(URL, project=project) as store:
        subscribe(store, range(1, 501))
        suppress(store, 7)
        store.record(observe([post("b"), post("a"), post("B"), post("é")], {}, newsletter(), NOW))
        slot = Slot(cutoff=NOW, sends=NOW + timedelta(hours=12))
        approve(store, 1, text=AWKWARD)
        approve(store, 2)
        store.sending.begin(2, NOW)
        store.leave_empty(slot, NOW)
        with store.engine.begin() as connection:
            connection.execute(
                sa.insert(schema.consent),
                [
                    {"mark": f"{n:032x}", "at": NOW, "act": "confirmed", "how": AWKWARD, "words": ""}
                    for n in range(300)
                ],
            )
            connection.execute(sa.insert(schema.notice), {"at": NOW, "kind": "x", "says": "", "cure": ""})
            connection.execute(sa.insert(schema.fence), {"name": "home", "value": "here", "since": NOW})
            connection.execute(sa.delete(schema.subscriber).where(schema.subscriber.c.id == 500))


def rows(store: Store) -> dict[str, list[tuple[object, ...]]]:
    with store.engine.connect() as connection:
        return {
            table.name: sorted((tuple(row) for row in connection.execute(sa.select(table))), key=repr)
            for table in TABLES
        }


def moved(url: str, project: Path) -> Moved:
    return move(URL, url, project, NOW)


def test_everything_goes_over_and_is_proved_table_by_table(empty: str, tmp_path: Path) -> None:
    lived(tmp_path)
    with Store.open(URL, project=tmp_path) as before:
        was = rows(before)
    seen = []
    found = move(URL, empty, tmp_path, NOW, lambda table, done, whole: seen.append((table, done, whole)))
    assert {one.table: one.rows for one in found.tables} == {name: len(of) for name, of in was.items()}
    assert all(len(one.hash) == 64 for one in found.tables)
    assert ("subscriber", 499, 499) in seen
    with Store.open(empty, project=tmp_path) as after:
        assert rows(after) == was
        assert after.issue(1).email.text == AWKWARD
        assert list(after.ledger()) == list(after.ledger())


def test_a_large_store_goes_over_whole(empty: str, tmp_path: Path) -> None:
    with Store.open(URL, project=tmp_path) as store:
        begun(store, 50_000)
    found = {one.table: one.rows for one in moved(empty, tmp_path).tables}
    assert (found["subscriber"], found["delivery"], found["chunk"]) == (50_000, 50_000, 250)
    with Store.open(empty, project=tmp_path) as there:
        assert there.sending.accounting(1).waiting == 50_000


def test_numbers_of_people_who_were_erased_are_given_to_nobody_there_either(
    empty: str, tmp_path: Path
) -> None:
    lived(tmp_path)
    moved(empty, tmp_path)
    with Store.open(empty, project=tmp_path) as store, store.engine.begin() as connection:
        new = {"mark": "new", "address": "", "name": "", "state": "confirmed", "added_at": NOW}
        made = connection.execute(sa.insert(schema.subscriber).returning(schema.subscriber.c.id), new)
        assert made.scalar() == 501
        line = {"mark": "new", "at": NOW, "act": "x", "how": "", "words": ""}
        added = connection.execute(sa.insert(schema.consent).returning(schema.consent.c.id), line)
        assert added.scalar() == 301


def test_the_store_that_was_moved_says_where_it_is_and_takes_nothing_more(empty: str, tmp_path: Path) -> None:
    lived(tmp_path)
    with Store.open(URL, project=tmp_path) as opened_before:
        moved(empty.replace("postgres@", "postgres:hush@"), tmp_path)
        for writes in (
            lambda: opened_before.sending.begin(1, NOW),
            lambda: opened_before.sending.enter("worker", "host", 1, NOW),
            lambda: opened_before.record(observe([post("late")], {}, newsletter(), NOW)),
        ):
            with pytest.raises(StoreError, match="this store was moved to postgresql://postgres@/"):
                writes()
    with pytest.raises(StoreError, match="this store was moved to postgresql://") as told:
        Store.open(URL, project=tmp_path)
    assert "[store]" in told.value.cure
    assert "hush" not in str(told.value)


def test_sending_goes_on_there_with_who_is_left(empty: str, tmp_path: Path) -> None:
    lived(tmp_path)
    with Store.open(URL, project=tmp_path) as store:
        was = store.sending.accounting(2)
    moved(empty, tmp_path)
    with Store.open(empty, project=tmp_path) as store:
        assert store.sending.accounting(2) == was
        store.sending.enter("worker", "host", 1, NOW)
        taken = store.sending.claim("worker", 2, NOW)
        assert taken
        assert len(store.sending.waiting(taken, NOW)) == 199


def test_moving_again_changes_nothing_and_moving_elsewhere_is_refused(
    cluster: Cluster, empty: str, tmp_path: Path
) -> None:
    lived(tmp_path)
    moved(empty, tmp_path)
    with Store.open(empty, project=tmp_path) as store:
        subscribe(store, [600])
        was = rows(store)
        assert moved(empty, tmp_path).tables == ()
        assert rows(store) == was
    other = cluster.database(empty=True)
    with pytest.raises(StoreError, match=r"was moved to .* already"):
        moved(other, tmp_path)
    cluster.drop(empty)
    cluster.execute(f"CREATE DATABASE {empty.partition('@/')[2].partition('?')[0]}")
    with pytest.raises(StoreError, match="nothing is there any more"):
        moved(empty, tmp_path)
    cluster.drop(other)


def test_a_target_that_holds_anything_is_refused_and_left_alone(
    postgresql: str, empty: str, tmp_path: Path
) -> None:
    lived(tmp_path)
    with Store.open(postgresql, project=tmp_path) as store:
        subscribe(store, [3])
        with pytest.raises(StoreError, match=r"holds another store: .* subscriber"):
            moved(postgresql, tmp_path)
        assert len(rows(store)["subscriber"]) == 1
    with psycopg.connect(empty) as connection:
        connection.execute("CREATE TABLE invoices (id int)")
    with pytest.raises(StoreError, match=r"tables of another program \(invoices\)"):
        moved(empty, tmp_path)
    Store.open(URL, project=tmp_path).close()  # still the store


def test_a_store_that_sends_at_this_moment_is_not_moved_and_one_whose_sender_died_is(
    empty: str, tmp_path: Path
) -> None:
    id = "0f5c8a52-6d0e-4a3e-9d0f-000000000001"
    with Store.open(URL, project=tmp_path) as store:
        begun(store, 3)
        line = lifeline.hold(store.engine, id)
        store.sending.enter(id, "host", 4711, NOW)
        assert store.sending.claim(id, 1, NOW)
        with pytest.raises(StoreError, match="process 4711 on host sends from this store"):
            moved(empty, tmp_path)
        line.close()
    moved(empty, tmp_path)
    with Store.open(empty, project=tmp_path) as store:
        assert store.sending.workers() == []
        store.sending.enter(id, "host", 1, NOW)
        assert store.sending.claim(id, 1, NOW)


@pytest.mark.parametrize(
    ("source", "target"),
    [(URL, "sqlite:///other.db"), ("postgresql://host/name", "postgresql://host/name")],
)
def test_a_store_is_moved_from_sqlite_to_postgresql_only(tmp_path: Path, source: str, target: str) -> None:
    with pytest.raises(StoreError, match="from SQLite to PostgreSQL"):
        move(source, target, tmp_path, NOW)


def test_a_text_that_postgresql_cannot_hold_stops_the_move_and_nothing_is_half_done(
    empty: str, tmp_path: Path
) -> None:
    lived(tmp_path)
    with sqlite3.connect(tmp_path / "digest.db") as connection:
        connection.execute("UPDATE issue SET text = 'a' || char(0) || 'b' WHERE number = 1")
    connection.close()
    with pytest.raises(StoreError, match="invalid byte sequence"):
        moved(empty, tmp_path)
    with Store.open(URL, project=tmp_path) as store, Store.open(empty, project=tmp_path) as there:
        assert len(rows(store)["issue"]) == 2
        assert there.issues() == []


# ---------------------------------------------------------------------------------------- by command


def test_the_command_shows_what_it_has_proved_and_what_to_write_into_the_settings(
    empty: str, tmp_path: Path
) -> None:
    project = letter(tmp_path / "letter", settings=SETTINGS + f'\n[store]\nurl = "{URL}"\n')
    lived(project)
    ran = digest("--project", project, "move", empty)
    assert ran.code == 0
    assert re.search(r"^subscriber +499 +[0-9a-f]{16} *$", ran.out, re.M)
    assert f'url = "{place(sa.make_url(empty))}"' in ran.err
    again = digest("--project", project, "--json", "move", empty)
    assert again.json == {"target": place(sa.make_url(empty)), "tables": []}
    told = digest("--project", project, "plan")
    assert told.code == 1
    assert "this store was moved to postgresql://" in told.err
    settings = project / "digest.toml"
    settings.write_text(settings.read_text().replace(URL, empty))
    assert digest("--project", project, "plan").code == 0


# ------------------------------------------------------------------------------------- killed anywhere

MOVE = """
import os, signal, sys
from datetime import datetime
from pathlib import Path
from digest.store import move

left, step = int(sys.argv[4]), move._move.__code__

def trace(frame, event, _):
    global left
    if frame.f_code is not step:
        return None
    if event in ("line", "return"):
        left -= 1
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)
    return trace

sys.settrace(trace)
move.move(sys.argv[1], sys.argv[2], Path(sys.argv[3]), datetime.fromisoformat("2026-11-06T07:00+00:00"))
"""


def test_a_move_that_is_killed_between_any_two_of_its_steps_ends_right_when_it_is_run_again(
    cluster: Cluster, tmp_path: Path
) -> None:
    """A sender that wakes up in between either finds the old store whole or is told where the new one is."""
    kills = 0
    for line in range(2, 100, 3):
        project = tmp_path / str(line)
        project.mkdir()
        lived(project)
        with Store.open(URL, project=project) as store:
            was = rows(store)
        url = cluster.database()
        done = subprocess.run(
            [sys.executable, "-c", MOVE, URL, url, str(project), str(line)],
            env=environment(),
            check=False,
        )
        if done.returncode == 0:
            break
        assert done.returncode == -signal.SIGKILL
        kills += 1
        assert old_or_new(url, project)
        moved(url, project)
        assert not usable(URL, project)
        with Store.open(url, project=project) as store:
            assert rows(store) == was
        cluster.drop(url)
    assert kills >= 5


def old_or_new(url: str, project: Path) -> bool:
    """Whether exactly one of the two, or none for the moment, would send."""
    old, new = usable(URL, project), usable(url, project) and holds_issues(url, project)
    return not (old and new)


def usable(url: str, project: Path) -> bool:
    try:
        Store.open(url, project=project).close()
    except StoreError:
        return False
    return True


def holds_issues(url: str, project: Path) -> bool:
    with Store.open(url, project=project) as store:
        return bool(store.issues())
