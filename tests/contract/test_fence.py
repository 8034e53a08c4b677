"""A restored backup, a copy or a second machine sends nothing, until its author says that it is the home."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from builders import post
from postgres import SQLITE, Cluster
from test_issue_life import AFTER, LATER, approved, begin, cut
from test_store import FILE, NEXT, NOW

from digest.errors import StoreError
from digest.model import IssueState, NoticeKind
from digest.onlooker import copy_database
from digest.store import NotHome, Store, home
from digest.store.fence import Fence

MARK = FILE.with_suffix(".home")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return tmp_path / "letter"


@pytest.fixture
def store(project: Path) -> Iterator[Store]:
    with Store.open(SQLITE, project=project) as store:
        yield store


def moved(project: Path) -> str:
    with Store.open(SQLITE, project=project) as store:
        return store.fence.moved()


def sending(store: Store, backup: Path) -> None:
    """An issue goes out; a backup is taken when the first letters have left."""
    store.fence.renew(NOW)
    begin(store)
    store.fence.renew(AFTER)
    copy_database(Path(store.engine.url.database or ""), backup)
    store.life.sent(1, AFTER)
    store.fence.renew(AFTER)


# --------------------------------------------------------------------------------------- what is home


def test_a_store_is_at_home_where_it_was_made_and_stays_so(store: Store, project: Path) -> None:
    assert store.fence.moved() == ""
    for minutes in range(3):
        store.fence.renew(NOW + timedelta(minutes=minutes))
    assert moved(project) == ""


def test_a_project_that_is_renamed_stays_at_home(store: Store, project: Path, tmp_path: Path) -> None:
    store.fence.renew(NOW)
    store.close()
    (tmp_path / "elsewhere").mkdir()
    project.rename(tmp_path / "elsewhere" / "new-name")
    assert moved(tmp_path / "elsewhere" / "new-name") == ""


def test_a_power_cut_between_mark_and_database_leaves_the_store_at_home(store: Store, project: Path) -> None:
    store.fence.renew(NOW)
    path = project / MARK
    home.write_mark(path, home.marks(path)[0])
    assert store.fence.moved() == ""
    store.fence.renew(NOW)
    assert store.fence.moved() == ""


def test_two_that_send_at_once_from_one_home_do_not_disturb_each_other(store: Store, project: Path) -> None:
    with Store.open(SQLITE, project=project) as other:
        for _ in range(3):
            store.fence.renew(NOW)
            other.fence.renew(NOW)
        assert (store.fence.moved(), other.fence.moved()) == ("", "")


# --------------------------------------------------------------------------------------- what is not


def test_a_copy_of_the_database_alone_is_noticed(store: Store, project: Path, tmp_path: Path) -> None:
    store.fence.renew(NOW)
    (tmp_path / "copy" / ".digest").mkdir(parents=True)
    copy_database(project / FILE, tmp_path / "copy" / FILE)
    assert "it is a copy" in moved(tmp_path / "copy")
    assert store.fence.moved() == ""


@pytest.mark.parametrize("keeps_times", [True, False])
def test_a_copy_of_the_whole_folder_is_noticed(
    store: Store, project: Path, tmp_path: Path, keeps_times: bool
) -> None:
    store.fence.renew(NOW)
    store.close()
    copied = shutil.copy2 if keeps_times else shutil.copy
    shutil.copytree(project, tmp_path / "copy", copy_function=copied)
    assert "it is a copy" in moved(tmp_path / "copy")


def test_a_folder_put_back_into_the_very_same_files_is_noticed(
    store: Store, project: Path, tmp_path: Path
) -> None:
    store.fence.renew(NOW)
    store.close()
    shutil.copytree(project / ".digest", tmp_path / "backup")
    numbers = [(project / name).stat().st_ino for name in (FILE, MARK)]
    for name in (FILE, MARK):
        (project / name).write_bytes((tmp_path / "backup" / name.name).read_bytes())
        os.utime(project / name, (1_700_000_000, 1_700_000_000))
    assert [(project / name).stat().st_ino for name in (FILE, MARK)] == numbers
    assert "was written anew by another program" in moved(project)


def test_an_older_state_put_back_in_its_old_place_is_noticed(
    store: Store, project: Path, tmp_path: Path
) -> None:
    backup = tmp_path / "backup.db"
    sending(store, backup)
    store.close()
    number = (project / FILE).stat().st_ino
    (project / FILE).write_bytes(backup.read_bytes())
    assert (project / FILE).stat().st_ino == number
    with Store.open(SQLITE, project=project) as restored:
        assert restored.issue(1).state is IssueState.SENDING
        assert "an older state of it was put back" in restored.fence.moved()
        with pytest.raises(NotHome, match="an older state of it was put back"):
            restored.fence.renew(LATER)


def test_a_mark_that_is_gone_is_noticed(store: Store, project: Path) -> None:
    store.fence.renew(NOW)
    (project / MARK).unlink()
    assert "its mark digest.home is not beside it" in store.fence.moved()


def test_another_machine_is_noticed(store: Store) -> None:
    assert "another machine" in Fence(store.engine, machine="0123456789abcdef").moved()
    assert Fence(store.engine, machine="").moved() == ""


def test_a_store_that_has_sent_and_does_not_know_from_where_is_not_at_home(store: Store) -> None:
    begin(store)
    with store.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM fence")
    store.fence.claim()
    assert "does not know from where" in store.fence.moved()


def test_a_mark_that_cannot_be_written_is_told(store: Store, project: Path) -> None:
    (project / MARK.with_suffix(".home-new")).mkdir()
    with pytest.raises(StoreError, match=r"digest\.home cannot be written"):
        store.fence.renew(NOW)
    assert store.fence.moved() == ""


# ------------------------------------------------------------------------------------------- adopting


@pytest.fixture
def restored(store: Store, project: Path) -> Store:
    """A store in which issue 1 is on its way and issue 2 is approved, and whose mark is lost."""
    begin(store)
    second = cut(store, [post("c")], NEXT)
    store.approve(2, second.hash, NEXT.cutoff)
    (project / MARK).unlink()
    return store


def test_where_a_store_is_not_at_home_a_notice_says_why(restored: Store) -> None:
    for _ in range(2):
        with pytest.raises(NotHome, match="nothing is sent from here"):
            restored.fence.renew(LATER)
    (told,) = restored.notices.open()
    assert (told.kind, told.issue) == (NoticeKind.MOVED, None)
    assert "its mark digest.home is not beside it" in told.says
    assert "`digest adopt`" in told.cure


def test_adopting_holds_what_was_to_go_out_and_one_by_one_it_may_go(restored: Store) -> None:
    assert restored.fence.adopt(LATER) == [1, 2]
    assert restored.fence.moved() == ""
    assert [it.state for it in restored.issues()] == [IssueState.HELD, IssueState.HELD]
    assert "moved or restored" in restored.issue(1).reason
    restored.fence.renew(LATER)
    assert restored.life.resume(1, LATER).state is IssueState.SENDING
    assert restored.issue(2).state is IssueState.HELD


def test_adopting_answers_the_notice(restored: Store) -> None:
    with pytest.raises(NotHome):
        restored.fence.renew(LATER)
    restored.fence.adopt(LATER)
    assert restored.notices.open() == []


def test_a_store_that_is_at_home_need_not_be_adopted(store: Store) -> None:
    approved(store)
    assert store.fence.adopt(LATER) == []
    assert store.issue(1).state is IssueState.APPROVED
    assert not store.fence.is_new_home()


def test_a_new_home_is_new_until_an_issue_has_begun_there(restored: Store) -> None:
    restored.fence.adopt(AFTER)
    assert restored.fence.is_new_home()
    with restored.engine.begin() as connection:
        begun = {"at": (AFTER + timedelta(hours=1)).isoformat(timespec="microseconds")}
        connection.execute(sa.text("UPDATE issue SET started_at = :at WHERE number = 2"), begun)
    assert not restored.fence.is_new_home()


# ------------------------------------------------------------------------------------------ PostgreSQL


def test_every_worker_of_one_database_is_at_home(postgresql: str, tmp_path: Path) -> None:
    url = postgresql
    with Store.open(url, project=tmp_path) as here, Store.open(url, project=tmp_path / "b") as there:
        here.fence.renew(NOW)
        Fence(there.engine, machine="another").renew(NOW)
        assert (here.fence.moved(), there.fence.moved()) == ("", "")


def test_a_copy_of_a_postgresql_database_is_noticed_and_can_be_adopted(
    cluster: Cluster, postgresql: str, tmp_path: Path
) -> None:
    url = postgresql
    with Store.open(url, project=tmp_path) as store:
        approved(store)
    copy = cluster.database(like=url)
    with Store.open(copy, project=tmp_path) as store:
        with pytest.raises(NotHome, match="it sent from another database before"):
            store.fence.renew(NOW)
        assert store.fence.adopt(LATER) == [1]
        assert store.fence.moved() == ""
    with Store.open(url, project=tmp_path) as store:
        assert store.fence.moved() == ""


def test_tables_restored_into_the_same_postgresql_database_are_noticed(
    postgresql: str, tmp_path: Path
) -> None:
    with Store.open(postgresql, project=tmp_path) as store:
        with store.engine.begin() as connection:  # as a dump does that is read back
            for step in (
                "CREATE TABLE anew (LIKE fence INCLUDING ALL)",
                "INSERT INTO anew SELECT * FROM fence",
                "DROP TABLE fence",
                "ALTER TABLE anew RENAME TO fence",
            ):
                connection.exec_driver_sql(step)
        assert store.fence.moved() == "its tables were restored from a dump"


def test_a_role_that_may_not_ask_who_the_server_is_does_with_the_rest(
    postgresql: str, tmp_path: Path
) -> None:
    with Store.open(postgresql, project=tmp_path) as store:
        with store.engine.begin() as connection:
            connection.exec_driver_sql("CREATE ROLE weekly LOGIN")
            connection.exec_driver_sql("GRANT ALL ON ALL TABLES IN SCHEMA public TO weekly")
            connection.exec_driver_sql("REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC")
        engine = sa.create_engine(store.engine.url.set(username="weekly"), poolclass=sa.NullPool)
        with engine.connect() as connection:
            found = home.place(connection, "")
        assert found["system"] == ""
        assert all(found[name] for name in ("timeline", "database", "table"))
        assert Fence(engine).moved() == ""
