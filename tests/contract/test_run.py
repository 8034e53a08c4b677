"""`digest run`: what is due is done when it is due, once, and whatever happens to the run itself."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic

import pytest
import sqlalchemy as sa
from postgres import SQLITE
from program import SETTINGS, digest, environment, letter, written

from digest import settings
from digest.engine import Deliver, Means, Told, run
from digest.errors import StoreError
from digest.model import IssueState, NoticeKind, SlotFate
from digest.settings import Settings
from digest.store import Store, StoredIssue, schema

THURSDAY = datetime(2024, 11, 21, 19, 0, tzinfo=UTC)
FRIDAY = THURSDAY + timedelta(hours=12)
HOUR, WEEK = timedelta(hours=1), timedelta(weeks=1)
BY_ITSELF = SETTINGS + 'approval = "none"\n'


class Courier:
    """Sends as a transport would that reaches everybody at once, and remembers what it sent."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.sent: list[int] = []
        self.fails = ""

    async def __call__(self, number: int, stop: asyncio.Event) -> None:
        if self.fails:
            raise StoreError(self.fails)
        with self.machine.store() as store:
            begin(store, number, self.machine.now)
            self.sent.append(number)
            store.life.sent(number, self.machine.now)


def begin(store: Store, number: int, at: datetime) -> None:
    """What freezing an audience does to the issue."""
    begun = {"state": IssueState.SENDING.value, "started_at": at}
    approved = (schema.issue.c.number == number, schema.issue.c.state == IssueState.APPROVED.value)
    with store.engine.begin() as connection:
        connection.execute(sa.update(schema.issue).where(*approved).values(begun))


class Machine:
    """A project, a clock that a test sets, and what runs said."""

    def __init__(self, project: Path) -> None:
        self.project = project
        self.now = THURSDAY
        self.told: list[Told] = []
        self.courier = Courier(self)

    def settings(self) -> Settings:
        return settings.load(self.project, {})

    def store(self) -> Store:
        return Store.open(self.settings().store_url, project=self.project)

    def run(self, at: datetime, *, sends: bool = True) -> int:
        self.now = at
        self.told.clear()
        means = Means(
            settings=self.settings,
            clock=lambda: self.now,
            tell=self.told.append,
            out=self.project / "public",
            deliver=self.courier if sends else None,
        )
        return run(means, once=True)

    @property
    def said(self) -> list[str]:
        return [told.what for told in self.told if told.what != "built"]

    def issue(self, number: int = 1) -> StoredIssue:
        with self.store() as store:
            return store.issue(number)

    def notices(self) -> list[str]:
        with self.store() as store:
            return [notice.kind for notice in store.notices.open()]

    def write(self, title: str) -> None:
        (self.project / "posts" / f"{title.lower()}.md").write_text(written(title), "utf-8")


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A newsletter that asks nobody, on Fridays at seven, with one post that waits."""
    return Machine(letter(tmp_path / "letter", written("One"), settings=BY_ITSELF))


# ------------------------------------------------------------------------------------- week after week


def test_an_issue_is_cut_approved_sent_and_shown_by_itself(machine: Machine) -> None:
    assert machine.run(THURSDAY - HOUR) == 0
    assert machine.said == []
    assert machine.run(THURSDAY) == 0
    assert machine.said == ["cut", "approved"]
    page = machine.project / "public" / "issues" / "1" / "index.html"
    assert not page.exists()
    assert machine.run(FRIDAY) == 0
    assert machine.said == ["sending", "sent"]
    assert machine.courier.sent == [1]
    assert page.is_file()
    assert machine.run(FRIDAY + HOUR) == 0
    assert machine.said == []


def test_a_draft_waits_for_its_author(machine: Machine) -> None:
    (machine.project / "digest.toml").write_text(SETTINGS, "utf-8")
    for at in (THURSDAY, FRIDAY):
        machine.run(at)
    assert (machine.courier.sent, machine.issue().state) == ([], IssueState.DRAFT)
    with machine.store() as store:
        store.approve(1, store.issue(1).hash, FRIDAY + HOUR)
    machine.run(FRIDAY + HOUR)
    assert machine.courier.sent == [1]


def test_the_author_is_told_of_a_draft_whose_time_has_come(machine: Machine) -> None:
    (machine.project / "digest.toml").write_text(SETTINGS, "utf-8")
    machine.run(THURSDAY)
    with machine.store() as store:
        assert store.notices.open() == []
        machine.run(FRIDAY)
        assert [(notice.kind, notice.issue) for notice in store.notices.open()] == [("missed", 1)]
        store.approve(1, store.issue(1).hash, FRIDAY + HOUR)
        assert store.notices.open() == []


def test_a_week_without_a_post_is_left_empty_and_is_not_made_up_for(machine: Machine) -> None:
    for at in (THURSDAY, FRIDAY, THURSDAY + WEEK):
        machine.run(at)
    assert machine.said == ["empty"]
    machine.write("Two")
    machine.run(FRIDAY + WEEK)
    assert machine.said == []
    machine.run(THURSDAY + 2 * WEEK)
    assert machine.said == ["cut", "approved"]
    with machine.store() as store:
        done = [it.fate for it in store.slots.all() if it.fate is not SlotFate.PLANNED]
    assert done == [SlotFate.CUT, SlotFate.EMPTY, SlotFate.CUT]


def test_a_skipped_week_has_no_issue(machine: Machine) -> None:
    clock = ("--project", machine.project, "--now", "2024-11-20T09:00")
    assert "Friday 2024-11-22 07:00" in digest(*clock, "issue", "skip", "1").out
    assert "Friday 2024-11-22 07:00: skipped by you" in digest(*clock, "plan").out
    for at in (THURSDAY, FRIDAY, THURSDAY + WEEK):
        machine.run(at)
    assert machine.issue().slot.sends == FRIDAY + WEEK


def test_a_broken_post_is_named_and_the_others_go(machine: Machine) -> None:
    (machine.project / "posts" / "broken.md").write_text("---\ntitle: 5\n---\nText.\n", "utf-8")
    machine.run(THURSDAY)
    assert machine.said == ["cut", "approved", "mistake"]
    assert "posts/broken.md" in machine.told[2].says


def test_where_nothing_sends_an_issue_waits(machine: Machine) -> None:
    for at in (THURSDAY, FRIDAY):
        machine.run(at, sends=False)
    assert machine.said == ["waiting"]
    assert machine.issue().state is IssueState.APPROVED


def test_a_site_without_a_newsletter_is_built(tmp_path: Path) -> None:
    machine = Machine(letter(tmp_path / "site", written("One"), settings=SETTINGS.partition("[news")[0]))
    assert machine.run(THURSDAY) == 0
    assert [told.what for told in machine.told] == ["built"]


def test_a_change_of_the_schedule_is_told_until_it_is_read(machine: Machine) -> None:
    machine.run(THURSDAY - HOUR)
    settings = BY_ITSELF.replace('at = "07:00"', 'at = "09:00"')
    (machine.project / "digest.toml").write_text(settings, "utf-8")
    machine.run(THURSDAY)
    assert machine.said == ["notice"]
    assert "Friday 2024-11-22 07:00 goes on Friday 2024-11-22 09:00 now, and 5 more" in machine.told[0].says
    clock = ("--project", machine.project, "--now", "2024-11-21T19:30")
    assert "the schedule has changed" in digest(*clock, "plan").err
    assert "the schedule has changed" not in digest(*clock, "plan").err


# ---------------------------------------------------------------------------------- late, quiet, stopped


def test_a_run_that_comes_late_sends_within_the_grace(machine: Machine) -> None:
    machine.run(THURSDAY - HOUR)
    machine.run(FRIDAY + 11 * HOUR)
    assert machine.courier.sent == [1]


def test_a_new_newsletter_has_missed_nothing(machine: Machine) -> None:
    machine.run(FRIDAY + HOUR)
    assert machine.said == []


def test_an_issue_that_was_missed_is_held_until_its_author_lets_it_go(machine: Machine) -> None:
    machine.run(THURSDAY)
    machine.run(FRIDAY + 13 * HOUR)
    assert machine.said == ["held", "notice"]
    assert (machine.courier.sent, machine.notices()) == ([], [NoticeKind.MISSED])
    machine.run(FRIDAY + 14 * HOUR)
    assert (machine.courier.sent, machine.notices()) == ([], [NoticeKind.MISSED])
    resumed = digest("--project", machine.project, "--now", "2024-11-23T09:00", "issue", "resume", "1")
    assert "Issue 1 is approved again" in resumed.out
    machine.run(FRIDAY + 26 * HOUR)
    assert (machine.courier.sent, machine.notices()) == ([1], [])


def test_what_was_due_while_nothing_ran_is_cut_late_and_waits(machine: Machine) -> None:
    machine.run(THURSDAY)
    machine.run(FRIDAY)
    machine.write("Two")
    machine.run(FRIDAY + WEEK + 13 * HOUR)
    assert machine.said == ["cut", "held", "notice"]
    digest("--project", machine.project, "--now", "2024-11-30T09:00", "issue", "resume", "2")
    machine.run(FRIDAY + WEEK + 26 * HOUR)
    assert machine.courier.sent == [1, 2]


def test_a_missed_draft_is_told_and_goes_once_it_is_approved(machine: Machine) -> None:
    machine.run(THURSDAY)
    machine.run(FRIDAY)
    (machine.project / "digest.toml").write_text(SETTINGS, "utf-8")
    machine.write("Two")
    late = FRIDAY + WEEK + 13 * HOUR
    machine.run(late)
    assert (machine.said, machine.notices()) == (["cut", "notice"], [NoticeKind.MISSED])
    with machine.store() as store:
        store.approve(2, store.issue(2).hash, late + HOUR)
    machine.run(late + HOUR)
    assert (machine.courier.sent, machine.notices()) == ([1, 2], [])


def test_nothing_is_sent_in_quiet_hours(machine: Machine) -> None:
    (machine.project / "digest.toml").write_text(BY_ITSELF + 'quiet_hours = "20:00-09:00"\n', "utf-8")
    for at in (THURSDAY, FRIDAY, FRIDAY + HOUR):
        machine.run(at)
    assert machine.courier.sent == []
    machine.run(FRIDAY + 2 * HOUR)
    assert machine.courier.sent == [1]


def test_an_issue_that_stood_still_for_long_does_not_go_on_by_itself(machine: Machine) -> None:
    machine.run(THURSDAY)
    with machine.store() as store:
        begin(store, 1, FRIDAY)
    machine.run(FRIDAY + 13 * HOUR)
    assert (machine.courier.sent, machine.notices()) == ([], [NoticeKind.STOPPED])
    assert machine.issue().held_from is IssueState.SENDING
    digest("--project", machine.project, "--now", "2024-11-23T09:00", "issue", "resume", "1")
    machine.run(FRIDAY + 26 * HOUR)
    assert machine.courier.sent == [1]


# -------------------------------------------------------------------------------------- what goes wrong


def test_a_clock_that_is_set_back_sends_nothing_again(machine: Machine) -> None:
    machine.run(THURSDAY)
    machine.run(FRIDAY)
    for back in (2 * HOUR, timedelta(days=1), WEEK, timedelta(days=400)):
        assert machine.run(FRIDAY - back) == 0
    assert machine.courier.sent == [1]
    assert machine.notices() == [NoticeKind.CLOCK]
    machine.run(FRIDAY + HOUR)
    assert machine.notices() == []
    with machine.store() as store:
        assert [it.number for it in store.issues()] == [1]


def test_a_sending_that_fails_is_one_line_without_an_address_and_is_tried_again(machine: Machine) -> None:
    machine.run(THURSDAY)
    machine.courier.fails = "the relay refuses reader-17@example.org"
    assert machine.run(FRIDAY) == 1
    failed = next(told for told in machine.told if told.what == "failed")
    assert failed.says == "send 1: the relay refuses (an address); tried again in 60 s"
    machine.courier.fails = ""
    assert machine.run(FRIDAY + HOUR) == 0
    assert machine.courier.sent == [1]


def test_a_site_that_cannot_be_written_stops_no_mail(machine: Machine) -> None:
    machine.run(THURSDAY)
    shutil.rmtree(machine.project / "public")
    (machine.project / "public").write_text("a file where the folder should be")
    assert machine.run(FRIDAY) == 1
    assert machine.courier.sent == [1]
    assert next(told.says for told in machine.told if told.what == "failed").startswith("build: ")


def test_settings_that_broke_are_told_and_read_again(machine: Machine) -> None:
    (machine.project / "digest.toml").write_text(BY_ITSELF, "utf-8")
    good, broken = machine.settings(), [True]

    def load() -> Settings:
        if broken.pop() if broken else False:
            return good
        return machine.settings()

    (machine.project / "digest.toml").write_text("[site", "utf-8")
    means = Means(
        settings=load,
        clock=lambda: THURSDAY,
        tell=machine.told.append,
        out=machine.project / "public",
    )
    assert run(means, once=True) == 1
    assert machine.said == ["failed"]
    assert "digest.toml" in machine.told[0].says


def test_an_issue_whose_bytes_were_changed_is_held_and_not_sent(machine: Machine) -> None:
    machine.run(THURSDAY)
    with machine.store() as store, store.engine.begin() as connection:
        connection.execute(sa.update(schema.issue).values(text="Another text."))
    assert machine.run(FRIDAY) == 1
    assert (machine.courier.sent, machine.issue().state) == ([], IssueState.HELD)
    assert machine.notices() == [NoticeKind.CHANGED]


def test_a_copy_of_the_project_sends_nothing_until_it_is_adopted(machine: Machine, tmp_path: Path) -> None:
    machine.run(THURSDAY)
    shutil.copytree(machine.project, tmp_path / "copy")
    copy = Machine(tmp_path / "copy")
    copy.write("Two")
    for at in (FRIDAY, THURSDAY + WEEK):
        assert copy.run(at) == 1
        assert copy.said == ["notice"]
    assert (copy.courier.sent, copy.notices()) == ([], [NoticeKind.MOVED])
    assert machine.run(FRIDAY) == 0
    assert machine.courier.sent == [1]
    adopted = digest("--project", copy.project, "--now", "2024-11-28T20:00", "adopt", "--yes")
    assert "Issue 1 is held" in adopted.out
    copy.run(THURSDAY + WEEK + HOUR)
    assert copy.said == ["cut", "held", "notice"]
    assert copy.notices() == [NoticeKind.FIRST]
    copy.run(FRIDAY + WEEK)
    assert copy.courier.sent == []
    digest("--project", copy.project, "--now", "2024-11-29T08:00", "issue", "resume", "2")
    copy.run(FRIDAY + WEEK + HOUR)
    assert copy.courier.sent == [2]


# --------------------------------------------------------------------------- in the middle of a sending


def send_with(machine: Machine, deliver: Deliver) -> None:
    """A round in which issue 1 is sent so; the run looks after it every few milliseconds."""
    machine.run(THURSDAY)
    machine.now = FRIDAY
    machine.told.clear()
    means = Means(
        settings=machine.settings,
        clock=lambda: machine.now,
        tell=machine.told.append,
        out=machine.project / "public",
        deliver=deliver,
        beat=0.005,
    )
    run(means, once=True)


def test_a_sending_stops_where_quiet_hours_begin(machine: Machine) -> None:
    (machine.project / "digest.toml").write_text(BY_ITSELF + 'quiet_hours = "22:00-06:00"\n', "utf-8")

    async def deliver(number: int, stop: asyncio.Event) -> None:
        with machine.store() as store:
            begin(store, number, FRIDAY + 14 * HOUR)
        machine.now = FRIDAY + 15 * HOUR
        await stop.wait()

    send_with(machine, deliver)
    assert machine.said == ["sending", "sending"]
    machine.run(FRIDAY + 22 * HOUR)
    assert machine.courier.sent == []
    machine.run(FRIDAY + 23 * HOUR)
    assert machine.courier.sent == [1]


def test_a_sending_stops_where_the_store_is_not_at_home_any_more(machine: Machine) -> None:
    async def deliver(number: int, stop: asyncio.Event) -> None:
        (machine.project / ".digest" / "digest.home").unlink()
        await stop.wait()

    send_with(machine, deliver)
    assert "failed" in machine.said
    assert machine.notices() == [NoticeKind.MOVED]


def test_a_run_that_stays_wakes_when_a_time_has_come(machine: Machine) -> None:
    began, ahead = monotonic(), [THURSDAY - timedelta(seconds=0.3)]

    def clock() -> datetime:
        return ahead[0] + timedelta(seconds=monotonic() - began)

    def tell(told: Told) -> None:
        machine.told.append(told)
        if told.what == "approved":
            ahead[0] += FRIDAY - THURSDAY
        if told.what == "sent":
            os.kill(os.getpid(), signal.SIGTERM)

    async def deliver(number: int, stop: asyncio.Event) -> None:
        machine.now = clock()
        await machine.courier(number, stop)

    means = Means(
        settings=machine.settings, clock=clock, tell=tell, out=machine.project / "public", deliver=deliver
    )
    assert run(means) == 0
    assert machine.said == ["cut", "approved", "sending", "sent", "stopped"]
    assert machine.courier.sent == [1]


# ------------------------------------------------------------------------------- processes and machines

RUN = """
import asyncio, sys
from datetime import UTC, datetime
from pathlib import Path
from digest import settings
from digest.engine import Means, run
from test_run import FRIDAY, begin
from digest.store import Store

project = Path(sys.argv[1])

async def deliver(number, stop):
    with Store.open(settings.load(project, {}).store_url, project=project) as store:
        begin(store, number, FRIDAY)
    print("begun", number, flush=True)
    await stop.wait()
    print("landed", number, flush=True)

def tell(told):
    print(told.what, told.says, flush=True)

means = Means(settings=lambda: settings.load(project, {}), clock=lambda: FRIDAY, tell=tell,
              out=project / "public", deliver=deliver)
sys.exit(run(means))
"""


def running(project: Path) -> subprocess.Popen[str]:
    here = Path(__file__).parent
    path = os.pathsep.join([str(here), str(here.parent), str(here.parents[1] / "src")])
    return subprocess.Popen(
        [sys.executable, "-c", RUN, str(project)],
        env=environment(PYTHONPATH=path),
        stdout=subprocess.PIPE,
        text=True,
    )


def until(process: subprocess.Popen[str], start: str) -> str:
    assert process.stdout
    for line in process.stdout:
        if line.startswith(start):
            return line
    raise AssertionError(f"it ended without saying {start!r}")


@pytest.fixture
def first(machine: Machine) -> Iterator[subprocess.Popen[str]]:
    """A run that is in the middle of sending issue 1."""
    machine.run(THURSDAY)
    process = running(machine.project)
    try:
        until(process, "begun 1")
        yield process
    finally:
        process.kill()
        process.communicate()


def test_a_second_run_says_who_is_there_and_is_done(machine: Machine, first: subprocess.Popen[str]) -> None:
    second = digest("--project", machine.project, "--now", "2024-11-22T07:00", "run", "--once")
    assert second.code == 0
    assert f"already running (pid {first.pid} since 2024-11-22T07:00:00+00:00)" in second.err


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
def test_a_run_that_is_told_to_stop_lands_what_is_in_flight(
    machine: Machine, first: subprocess.Popen[str], sign: signal.Signals
) -> None:
    first.send_signal(sign)
    said = first.communicate(timeout=60)[0].splitlines()
    assert first.returncode == 0
    assert [line.split()[0] for line in said if not line.startswith("built")] == [
        "stopping",
        "landed",
        "sending",
        "stopped",
    ]
    assert machine.issue().state is IssueState.SENDING
    assert machine.run(FRIDAY + HOUR) == 0
    assert machine.courier.sent == [1]


def test_a_run_that_was_killed_leaves_no_lock(machine: Machine, first: subprocess.Popen[str]) -> None:
    first.kill()
    first.wait()
    machine.run(FRIDAY + HOUR)
    assert machine.courier.sent == [1]


def test_of_two_machines_with_one_database_one_runs(postgresql: str, tmp_path: Path) -> None:
    store = f'\n[store]\nurl = "{postgresql}"\n'
    here = Machine(letter(tmp_path / "here", written("One"), settings=BY_ITSELF + store))
    there = Machine(letter(tmp_path / "there", written("One"), settings=BY_ITSELF + store))
    with here.store() as open_store, open_store.runs.only_one() as ours:
        assert ours
        there.run(THURSDAY)
        assert [told.says for told in there.told] == ["already running on another machine with this database"]
    there.run(THURSDAY)
    assert there.said == ["cut", "approved"]
    here.run(FRIDAY)
    there.run(FRIDAY)
    assert (here.courier.sent, there.courier.sent) == ([1], [])


def test_the_command_reports_as_json_lines(machine: Machine) -> None:
    ran = digest("--project", machine.project, "--now", "2024-11-21T19:00", "--json", "run", "--once")
    assert ran.code == 0
    lines = [line for line in ran.out.splitlines() if '"what": "built"' not in line]
    assert [line.partition('"says"')[0] for line in lines] == [
        '{"at": "2024-11-21T19:00:00+00:00", "what": "cut", ',
        '{"at": "2024-11-21T19:00:00+00:00", "what": "approved", ',
    ]


def test_a_clock_that_stands_still_runs_only_once(machine: Machine) -> None:
    ran = digest("--project", machine.project, "--now", "2024-11-21T19:00", "run")
    assert ran.code == 2
    assert "add --once" in ran.err


def test_adopting_asks_first_and_does_nothing_where_all_is_well(machine: Machine, tmp_path: Path) -> None:
    machine.run(THURSDAY)
    assert "from here" not in digest("--project", machine.project, "--now", "2024-11-21", "adopt").err
    shutil.copytree(machine.project, tmp_path / "copy")
    asked = digest("--project", tmp_path / "copy", "--now", "2024-11-21T20:00", "adopt")
    assert asked.code == 2
    assert "digest adopt --yes" in asked.err
    assert SQLITE in Machine(tmp_path / "copy").settings().store_url
