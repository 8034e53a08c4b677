"""What the store promises: whole or not at all, once, and in words when something is wrong."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from builders import WEEKS, Author, Week, newsletter, post
from hypothesis import given, settings
from postgres import Cluster, name_of

from digest.collect import carry, next_issue, observe, remembered
from digest.errors import StoreError
from digest.model import (
    Card,
    Correction,
    Email,
    Fate,
    Issue,
    IssueState,
    LedgerEntry,
    Link,
    Post,
    PostRole,
    Slot,
)
from digest.schedule import due
from digest.store import AlreadyCut, Store, database, issue_hash, schema

URL = "sqlite:///.digest/digest.db"
NOW = datetime(2026, 11, 5, 19, 0, tzinfo=UTC)
SLOT = Slot(cutoff=NOW, sends=NOW + timedelta(hours=12))
NEXT = Slot(cutoff=NOW + timedelta(weeks=1), sends=SLOT.sends + timedelta(weeks=1))
EMAIL = Email(
    subject="Two trials", html="<p>Both read.</p>", text="Both read.", summary="Both read.", shortened=("b",)
)
FILE = Path(".digest") / "digest.db"


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest) -> str:
    """The address of an empty store, of either kind."""
    return URL if request.param == "sqlite" else str(request.getfixturevalue("postgresql"))


@pytest.fixture
def store(url: str, tmp_path: Path) -> Iterator[Store]:
    with Store.open(url, project=tmp_path) as store:
        yield store


@pytest.fixture
def file_store(tmp_path: Path) -> Iterator[Store]:
    """For what is about SQLite's own file."""
    with Store.open(URL, project=tmp_path) as store:
        yield store


def collect(store: Store, posts: list[Post], slot: Slot = SLOT, number: int = 1) -> Issue:
    store.record(observe(posts, store.ledger(), newsletter(), slot.cutoff))
    issue = next_issue(posts, store.ledger(), newsletter(), slot, number).issue
    assert issue
    return issue


def counts(store: Store) -> list[int]:
    tables = (schema.issue, schema.issue_post, schema.told_correction)
    with store.engine.connect() as connection:
        return [connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0 for table in tables]


# -------------------------------------------------------------------------------------------- memory


def test_what_was_recorded_is_what_was_thought(store: Store) -> None:
    posts = [post("a"), post("b", draft=True), post("c", mail=False), post("future", published=NEXT.cutoff)]
    look = observe(posts, {}, newsletter(), NOW)
    store.record(look)
    assert store.ledger() == remembered({}, look)
    later = observe([*posts[:3], replace(posts[3], title="Now")], store.ledger(), newsletter(), NEXT.cutoff)
    store.record(later)
    assert store.ledger() == remembered(remembered({}, look), later)


def test_a_cut_leaves_the_ledger_as_it_was_thought(store: Store) -> None:
    corrected = post("a", corrections=(Correction(date=date(2026, 11, 3), text="It was 24 weeks."),))
    issue = collect(store, [corrected, post("b"), post("hello", role=PostRole.INTRO)])
    thought = carry(store.ledger(), issue)
    store.cut(issue, EMAIL, (), NOW)
    assert store.ledger() == thought


def test_what_was_remembered_is_there_after_closing(url: str, tmp_path: Path) -> None:
    with Store.open(url, project=tmp_path) as store:
        stored = store.cut(collect(store, [post("a")]), EMAIL, (), NOW)
    with Store.open(url, project=tmp_path) as store:
        assert store.issue(1) == stored
        assert (store.next_number(), store.last_slot()) == (2, SLOT)


def test_a_look_that_is_recorded_twice_or_late_does_no_harm(store: Store) -> None:
    look = observe([post("a")], {}, newsletter(), NOW)
    store.record(look)
    store.cut(collect(store, [post("a")]), EMAIL, (), NOW)
    store.record(look)
    stale = replace(look, new=(), changed=look.new)
    store.record(stale)
    assert store.ledger()["a"].fate is Fate.CARRIED


def test_a_renamed_post_keeps_its_issue_and_what_was_told(store: Store) -> None:
    before = post("a", corrections=(Correction(date=date(2026, 11, 3), text="It was 24 weeks."),))
    store.cut(collect(store, [before]), EMAIL, (), NOW)
    after = replace(before, id="b", source="posts/b.md")
    store.record(observe([after], store.ledger(), newsletter(), NEXT.cutoff))
    assert set(store.ledger()) == {"b"}
    assert (store.ledger()["b"].issue, len(store.ledger()["b"].told)) == (1, 1)
    assert [it.post_id for it in store.issue(1).posts] == ["b"]


def test_a_post_renamed_twice_is_still_known_by_the_id_it_had_first(store: Store) -> None:
    for name in ("a", "b", "c"):
        renamed = replace(post("a"), id=name, source=f"posts/{name}.md")
        store.record(observe([renamed, post("other")], store.ledger(), newsletter(), NOW))
    assert store.first_ids() == {"c": "a"}


def test_a_told_correction_is_marked_with_its_issue(store: Store) -> None:
    store.cut(collect(store, [post("a")]), EMAIL, (), NOW)
    corrected = post("a", corrections=(Correction(date=date(2026, 11, 9), text="It was 24 weeks."),))
    issue = collect(store, [corrected, post("b")], NEXT, 2)
    assert [notice.issue for notice in issue.corrections] == [1]
    store.cut(issue, EMAIL, (), NEXT.cutoff)
    assert [mark.issue for mark in store.ledger()["a"].told] == [2]


def test_an_issue_is_stored_with_all_that_the_site_shows_of_it(store: Store) -> None:
    intro = post("hello", role=PostRole.INTRO)
    issue = collect(store, [post("a"), intro])
    shown = Card(
        id="a",
        source="posts/a.md",
        slug="a",
        path="posts/a-2/",
        title="A, as listed",
        lead="Its line.",
        published=NOW,
        updated=NOW,
    )
    stored = store.cut(issue, EMAIL, [shown], NOW)
    assert (stored.number, stored.state, stored.slot, stored.cut_at) == (1, IssueState.DRAFT, SLOT, NOW)
    assert (stored.email, stored.hash) == (EMAIL, issue_hash(EMAIL))
    assert [(it.post_id, it.role) for it in stored.posts] == [("hello", PostRole.INTRO), ("a", PostRole.POST)]
    assert stored.card.posts == (Link(title="A, as listed", url="posts/a-2/", note="Its line."),)
    assert (stored.card.title, stored.card.path, stored.card.published) == (
        "Two trials",
        "issues/1/",
        SLOT.sends,
    )


def test_a_quiet_week_is_not_made_up_for_by_a_post_pushed_late(store: Store) -> None:
    store.cut(collect(store, [post("a")]), EMAIL, (), NOW)
    friday = NEXT.sends + timedelta(hours=1)
    assert due(newsletter(), store.last_slot(), friday) == NEXT
    store.leave_empty(NEXT, NEXT.cutoff)
    store.leave_empty(NEXT, friday)
    assert store.last_slot() == NEXT
    assert due(newsletter(), store.last_slot(), friday) is None
    assert store.next_number() == 2


@settings(deadline=None, max_examples=25)
@given(WEEKS)
def test_whatever_the_author_does_the_store_holds_what_was_thought(weeks: list[Week]) -> None:
    author, letter = Author(), newsletter(starts=date(2026, 9, 1), max_posts=2)
    thought: dict[str, LedgerEntry] = {}
    with TemporaryDirectory() as folder, Store.open(URL, project=Path(folder)) as store:
        for week, (written, changes) in enumerate(weeks):
            now = NOW + week * timedelta(weeks=1)
            author.works(written, changes, now, week)
            posts = list(author.files.values())
            look = observe(posts, thought, letter, now)
            thought = remembered(thought, look)
            store.record(look)
            slot = Slot(cutoff=now, sends=now + timedelta(hours=12))
            if issue := next_issue(posts, thought, letter, slot, store.next_number()).issue:
                thought = carry(thought, issue)
                store.cut(issue, EMAIL, (), now)
            assert store.ledger() == thought


# ------------------------------------------------------------------------------- once, and all of it


def test_a_second_cut_of_a_number_a_slot_or_a_post_is_refused(store: Store) -> None:
    issue = collect(store, [post("a")])
    store.cut(issue, EMAIL, (), NOW)
    collect(store, [post("a"), post("b")], NEXT, 2)
    other = replace(issue, posts=(post("b"),))
    with pytest.raises(AlreadyCut, match="issue 1 was cut already"):
        store.cut(replace(other, slot=NEXT), EMAIL, (), NOW)
    with pytest.raises(AlreadyCut, match="issue 1 was cut already"):
        store.cut(replace(other, number=2), EMAIL, (), NOW)
    with pytest.raises(AlreadyCut, match=r"posts/a\.md does not wait"):
        store.cut(replace(issue, number=2, slot=NEXT), EMAIL, (), NOW)
    assert [it.number for it in store.issues()] == [1]


@pytest.mark.parametrize(
    "at",
    ["INSERT ON issue", "UPDATE ON post", "INSERT ON issue_post", "INSERT ON told_correction"],
)
def test_a_cut_that_fails_half_way_leaves_nothing(store: Store, at: str) -> None:
    corrected = post("b", corrections=(Correction(date=date(2026, 11, 3), text="It was 24 weeks."),))
    issue = collect(store, [post("a"), corrected])
    before = store.ledger()
    with store.engine.begin() as connection:
        for statement in broken(store, at):
            connection.exec_driver_sql(statement)
    with pytest.raises(StoreError, match="pulled the plug"):
        store.cut(issue, EMAIL, (), NOW)
    assert store.ledger() == before
    assert counts(store) == [0, 0, 0]
    with store.engine.begin() as connection:
        table = f" ON {at.split()[-1]}" if store.engine.name == "postgresql" else ""
        connection.exec_driver_sql(f"DROP TRIGGER broken{table}")
    assert store.cut(issue, EMAIL, (), NOW).number == 1


def broken(store: Store, at: str) -> list[str]:
    """What makes a write fail after its statement was done."""
    if store.engine.name == "sqlite":
        return [f"CREATE TRIGGER broken AFTER {at} BEGIN SELECT RAISE(ABORT, 'pulled the plug'); END"]
    return [
        "CREATE FUNCTION pulled() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'pulled the plug'; END $$",
        f"CREATE TRIGGER broken AFTER {at} FOR EACH ROW EXECUTE FUNCTION pulled()",
    ]


CUT = """
import sys
from pathlib import Path
from datetime import timedelta
from builders import WEEKS, Author, Week, newsletter, post
from hypothesis import given, settings
from digest.collect import next_issue
from digest.store import AlreadyCut, Store
from test_store import EMAIL, NOW, SLOT

with Store.open(sys.argv[2], project=Path(sys.argv[1])) as store:
    issue = next_issue([post("a"), post("b")], store.ledger(), newsletter(), SLOT, store.next_number()).issue
    print("ready", flush=True)
    sys.stdin.readline()
    try:
        print(store.cut(issue, EMAIL, (), NOW).number)
    except AlreadyCut:
        print("already cut")
"""


def test_two_runs_that_cut_at_once_make_one_issue(store: Store, url: str, tmp_path: Path) -> None:
    collect(store, [post("a"), post("b")])
    here = Path(__file__).parent
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(here), str(here.parent), *sys.path])}
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", CUT, str(tmp_path), url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )
        for _ in range(2)
    ]
    for run in runs:
        assert run.stdout
        assert run.stdout.readline() == "ready\n"
    for run in runs:
        assert run.stdin
        run.stdin.write("\n")
        run.stdin.flush()
    said = sorted(run.communicate(timeout=60)[0].strip() for run in runs)
    assert said == ["1", "already cut"]
    assert counts(store)[:2] == [1, 2]


def test_many_threads_that_cut_at_once_make_one_issue(store: Store) -> None:
    issue = collect(store, [post("a")])
    gate, won = threading.Barrier(8), []

    def run() -> None:
        gate.wait()
        try:
            won.append(store.cut(issue, EMAIL, (), NOW).number)
        except AlreadyCut:
            won.append(0)

    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(won) == [0] * 7 + [1]


# ----------------------------------------------------------------------------------------- approving


def test_an_issue_is_approved_by_the_hash_of_what_is_sent(store: Store) -> None:
    cut = store.cut(collect(store, [post("a")]), EMAIL, (), NOW)
    approved = store.approve(1, cut.hash, NOW + timedelta(hours=1))
    assert (approved.state, approved.approved_at) == (IssueState.APPROVED, NOW + timedelta(hours=1))
    assert (approved.email, approved.hash) == (cut.email, cut.hash)


def test_approving_again_changes_nothing_and_a_short_hash_is_enough(store: Store) -> None:
    hash = store.cut(collect(store, [post("a")]), EMAIL, (), NOW).hash
    approved = store.approve(1, hash[:8].upper(), NOW)
    assert store.approve(1, hash, NOW + timedelta(hours=1)) == approved


def test_another_hash_approves_nothing_and_both_are_named(store: Store) -> None:
    hash = store.cut(collect(store, [post("a")]), EMAIL, (), NOW).hash
    seen = issue_hash(replace(EMAIL, html="<p>Another.</p>"))
    with pytest.raises(StoreError) as refused:
        store.approve(1, seen, NOW)
    assert seen[:12] in str(refused.value)
    assert hash[:12] in str(refused.value)
    assert "digest issue show 1" in refused.value.cure
    assert store.issue(1).state is IssueState.DRAFT
    with pytest.raises(StoreError, match="at least 8"):
        store.approve(1, hash[:7], NOW)
    with pytest.raises(StoreError, match="there is no issue 2"):
        store.approve(2, hash, NOW)


def test_an_issue_that_is_sent_is_not_approved_any_more(store: Store) -> None:
    hash = store.cut(collect(store, [post("a")]), EMAIL, (), NOW).hash
    with store.engine.begin() as connection:
        connection.execute(sa.update(schema.issue).values(state=IssueState.SENT.value))
    with pytest.raises(StoreError, match="issue 1 is sent; only a draft"):
        store.approve(1, hash, NOW)


def test_every_byte_of_subject_html_and_text_is_in_the_hash() -> None:
    changed = [
        replace(EMAIL, subject="Two trial"),
        replace(EMAIL, html=EMAIL.html + " "),
        replace(EMAIL, text=""),
        replace(EMAIL, subject=EMAIL.subject + '","<p>Both read.</p>', html=""),
    ]
    assert len({issue_hash(email) for email in [EMAIL, *changed]}) == 5


def test_the_site_shows_an_issue_only_when_it_was_approved_and_its_time_has_come(store: Store) -> None:
    hash = store.cut(collect(store, [post("a")]), EMAIL, (), NOW).hash
    assert store.published_issues(SLOT.sends) == []
    store.approve(1, hash, NOW)
    assert store.published_issues(SLOT.sends - timedelta(seconds=1)) == []
    assert [it.number for it in store.published_issues(SLOT.sends)] == [1]


# ---------------------------------------------------------------------------------- tables and upgrades


def test_the_migrations_make_the_tables_that_the_code_expects(store: Store) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    with store.engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"version_table": schema.VERSION_TABLE, "compare_server_default": True}
        )
        assert compare_metadata(context, schema.metadata) == []
        assert context.get_current_revision() == schema.REVISION


def test_a_database_of_a_newer_digest_is_refused_and_left_alone(tmp_path: Path) -> None:
    Store.open(URL, project=tmp_path).close()
    with sqlite3.connect(tmp_path / FILE) as connection:
        connection.execute(f"UPDATE {schema.VERSION_TABLE} SET version_num = '9999'")
    connection.close()
    with pytest.raises(StoreError, match="written by a newer digest") as refused:
        Store.open(URL, project=tmp_path)
    assert "install the newer digest" in refused.value.cure


def test_an_upgrade_that_fails_leaves_the_database_empty(tmp_path: Path) -> None:
    (tmp_path / ".digest").mkdir()
    with sqlite3.connect(tmp_path / FILE) as connection:
        connection.execute("CREATE TABLE told_correction (somebody_elses TEXT)")  # the last that is made
    connection.close()
    with pytest.raises(StoreError, match="told_correction already exists"):
        Store.open(URL, project=tmp_path)
    with sqlite3.connect(tmp_path / FILE) as connection:
        names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    connection.close()
    assert names == [("told_correction",)]


def test_a_store_that_is_up_to_date_is_opened_without_alembic(tmp_path: Path) -> None:
    Store.open(URL, project=tmp_path).close()
    code = (
        "import sys; from pathlib import Path; from digest.store import Store\n"
        f"with Store.open({URL!r}, project=Path({str(tmp_path)!r})): print('alembic' in sys.modules)"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    assert done.stdout == "False\n"


def test_a_commit_survives_a_power_cut_and_a_reader_does_not_block_a_writer(file_store: Store) -> None:
    with file_store.engine.connect() as connection:
        settings = [
            connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        ]
    assert settings == ["wal", 2, 1, 30_000]


def test_the_database_is_for_its_owner_only(file_store: Store, tmp_path: Path) -> None:
    assert stat.S_IMODE((tmp_path / FILE).stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / ".digest").stat().st_mode) == 0o700


# -------------------------------------------------------------------------------------- in plain words


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    (tmp_path / ".digest").mkdir()
    (tmp_path / FILE).write_text("Dear diary, " * 100)
    with pytest.raises(StoreError, match=r"digest\.db is not a database") as told:
        Store.open(URL, project=tmp_path)
    assert "backup" in told.value.cure


def test_a_full_disk_is_named_and_nothing_is_half_written(file_store: Store) -> None:
    with file_store.engine.begin() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
    look = observe([post(f"p{n}") for n in range(2000)], {}, newsletter(), NOW)
    with pytest.raises(StoreError, match="the disk is full") as told:
        file_store.record(look)
    assert "free some space" in told.value.cure
    assert file_store.ledger() == {}


def test_a_database_that_stays_locked_is_named(file_store: Store, tmp_path: Path) -> None:
    with file_store.engine.begin() as connection:
        connection.exec_driver_sql("PRAGMA busy_timeout = 50")
    other = sqlite3.connect(tmp_path / FILE, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match="another digest has been writing"):
        file_store.record(observe([post("a")], {}, newsletter(), NOW))
    assert file_store.ledger() == {}  # reading goes on
    other.close()


def test_a_database_that_may_not_be_written_is_named(file_store: Store) -> None:
    with file_store.engine.begin() as connection:
        connection.exec_driver_sql("PRAGMA query_only = ON")
    with pytest.raises(StoreError, match="may not be written"):
        file_store.record(observe([post("a")], {}, newsletter(), NOW))


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / ".digest").write_text("a file where the folder should be")
    with pytest.raises(StoreError, match="cannot be opened"):
        Store.open(URL, project=tmp_path)


@pytest.mark.parametrize("url", ["digest.db", "sqlite://", "oracles://host/name", "sqlite:///:memory:"])
def test_an_address_that_is_none_is_named(url: str, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"\[store\] url cannot be used"):
        Store.open(url, project=tmp_path)


def test_whoever_waits_in_vain_for_a_connection_is_told_so(tmp_path: Path) -> None:
    """One connection, which somebody has, and a patience of a tenth of a second."""
    address = f"sqlite:///{tmp_path / 'small.db'}"
    engine = sa.create_engine(address, pool_size=1, max_overflow=0, pool_timeout=0.1)
    busy = pytest.raises(StoreError, match=r"small\.db is kept busy")
    with database.reading(engine), busy as told, database.reading(engine):
        pass
    engine.dispose()
    assert "try again" in told.value.cure


def test_every_thread_of_the_web_has_a_connection_of_its_own(store: Store) -> None:
    """Forty that make pages, two that take forms, the office and what counts: all read at one moment."""
    together = threading.Barrier(46)

    def read(_number: int) -> int:
        with database.reading(store.engine):
            return together.wait(20)

    with ThreadPoolExecutor(together.parties) as threads:
        assert sorted(threads.map(read, range(together.parties))) == list(range(together.parties))


def test_a_password_is_not_told_with_an_error() -> None:
    url = sa.make_url("postgresql://weekly:hush@host/name")
    with pytest.raises(StoreError) as told, database.in_plain_words(url):
        raise sa.exc.OperationalError("SELECT 1", {}, Exception("no route"))
    assert "hush" not in str(told.value)
    assert "no route" in str(told.value)


TROUBLE = {
    "no server": ("postgresql://weekly:hush@127.0.0.1:1/name", "cannot be reached", "its server runs"),
    "no host": ("postgresql://weekly:hush@nowhere.invalid/name", "cannot be reached", "correct [store] url"),
    "no socket": ("postgresql://weekly:hush@/name?host=/nowhere", "cannot be reached", "its server runs"),
    "no database": ("{other}", "other.* does not exist", "createdb"),
    "no user": ("{nobody}", "knows no such user", "createuser"),
    "wrong password": ("{locked_out}", "does not let this user in", "correct user and password"),
    "no rights": ("{guest}", "does not let this user do that", "ALTER DATABASE name OWNER TO"),
}


@pytest.mark.parametrize("what", TROUBLE)
def test_what_keeps_postgresql_away_is_named_with_a_cure_and_no_password(
    cluster: Cluster, tmp_path: Path, what: str
) -> None:
    url, says, cure = TROUBLE[what]
    empty = cluster.database(empty=True)
    cluster.execute("DROP ROLE IF EXISTS locked_out, guest")
    cluster.execute("CREATE ROLE locked_out LOGIN PASSWORD 'quiet'")
    cluster.execute("CREATE ROLE guest LOGIN")
    asked = url.format(
        other=cluster.url("other"),
        nobody=cluster.url("postgres", "nobody"),
        guest=empty.replace("postgres@", "guest@"),
        locked_out=empty.replace("postgres@", "locked_out:hush@"),
    )
    with pytest.raises(StoreError, match=says) as told:
        Store.open(asked, project=tmp_path)
    assert cure in told.value.cure
    assert "hush" not in str(told.value)


@pytest.mark.parametrize(
    ("state", "says"),
    [
        ("53100", "the disk of its server is full"),
        ("57P01", "its server shuts down"),
        ("XX001", "is damaged"),
        ("40001", "at the same moment"),
        ("P0001", "says: pulled the plug"),
    ],
)
def test_what_postgresql_says_in_the_middle_is_put_in_words_and_nothing_is_half_written(
    postgresql: str, tmp_path: Path, state: str, says: str
) -> None:
    with Store.open(postgresql, project=tmp_path) as store:
        with store.engine.begin() as connection:
            connection.exec_driver_sql(
                "CREATE FUNCTION pulled() RETURNS trigger LANGUAGE plpgsql AS"
                f" $$ BEGIN RAISE EXCEPTION 'pulled the plug' USING ERRCODE = '{state}'; END $$"
            )
            connection.exec_driver_sql(
                "CREATE TRIGGER broken AFTER INSERT ON post FOR EACH ROW EXECUTE FUNCTION pulled()"
            )
        with pytest.raises(StoreError, match=says):
            store.record(observe([post("a")], {}, newsletter(), NOW))
        assert store.ledger() == {}


def test_a_server_that_takes_no_writes_is_named_and_reading_goes_on(
    cluster: Cluster, postgresql: str, tmp_path: Path
) -> None:
    cluster.execute(f"ALTER DATABASE {name_of(postgresql)} SET default_transaction_read_only = on")
    with Store.open(postgresql, project=tmp_path) as store:
        with pytest.raises(StoreError, match="it is read only"):
            store.record(observe([post("a")], {}, newsletter(), NOW))
        assert store.ledger() == {}


def test_a_connection_that_the_server_ends_is_named_and_the_next_try_has_a_new_one(
    cluster: Cluster, postgresql: str, tmp_path: Path
) -> None:
    with Store.open(postgresql, project=tmp_path) as store:
        with pytest.raises(StoreError, match="was closed"):
            lose_the_connection(store, cluster)
        assert store.ledger() == {}


def lose_the_connection(store: Store, cluster: Cluster) -> None:
    with database.writing(store.engine) as connection:
        pid = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar()
        cluster.execute(f"SELECT pg_terminate_backend({pid}, 5000)")
        connection.execute(sa.insert(schema.budget), {"day": "2026-11-06", "used": 1})


def test_where_the_part_for_postgresql_is_missing_the_way_to_it_is_named(tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['psycopg'] = None\n"
        "from pathlib import Path; from digest.store import Store; from digest.errors import StoreError\n"
        "try: Store.open('postgresql://weekly@host/name', project=Path('.'))\n"
        "except StoreError as error: print(error.cure)"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=False
    )
    assert done.stdout == 'pip install "digest-press[postgres]"\n', done.stderr


def test_issues_and_slots_of_the_first_tables_are_there_after_the_upgrade(
    cluster: Cluster, tmp_path: Path
) -> None:
    url = cluster.database(empty=True)
    with closing(database.connect(url, tmp_path)) as engine, engine.begin() as connection:
        config = Config()
        config.set_main_option("script_location", "digest.store:migrations")
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        was = {"cutoff": schema.written(SLOT.cutoff), "sends": schema.written(SLOT.sends)}
        connection.exec_driver_sql(
            "INSERT INTO issue (number, state, cutoff, sends, cut_at, subject, summary, html, text,"
            " shortened, hash) VALUES (1, 'approved', %(cutoff)s, %(sends)s, %(cutoff)s, '', '', '', '',"
            " '[]', '')",
            was,
        )
        was = {"cutoff": schema.written(NEXT.cutoff), "sends": schema.written(NEXT.sends)}
        connection.exec_driver_sql("INSERT INTO empty_slot VALUES (%(sends)s, %(cutoff)s, %(cutoff)s)", was)
    with Store.open(url, project=tmp_path) as store:
        assert [(it.number, it.state, it.slot) for it in store.issues()] == [(1, IssueState.APPROVED, SLOT)]
        assert store.last_slot() == NEXT
    cluster.drop(url)


@contextmanager
def closing(engine: sa.Engine) -> Iterator[sa.Engine]:
    try:
        yield engine
    finally:
        engine.dispose()
