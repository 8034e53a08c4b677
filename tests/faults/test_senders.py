"""Several senders on one issue: nobody twice, nobody forgotten, whoever freezes, dies or loses the database.

Senders are programs of their own (`sender.py`), each with ten letters on the wire at once; what they let
leave stands in a file that is written before the answer is given.
"""

from __future__ import annotations

import signal
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from audience import begun
from machines import SOON, Scene, ended, frozen, scene_of
from postgres import Cluster
from sender import LANES

from digest.model import Accounting, DeliveryState, IssueState


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'digest.db'}"
    return str(request.getfixturevalue("postgresql"))


@pytest.fixture
def scene(url: str, tmp_path: Path) -> Iterator[Scene]:
    yield from scene_of(url, tmp_path)


# ------------------------------------------------------------------------------------------ together


@pytest.mark.parametrize("count", [2, 4, 8])
def test_senders_together_mail_everyone_once(scene: Scene, count: int) -> None:
    begun(scene.store, 2000)
    senders = [scene.sender() for _ in range(count)]
    scene.go(*senders)
    for sender in senders:
        ended(sender)
    assert sorted(scene.left()) == list(range(2000))
    assert scene.accounting() == Accounting(candidates=2000, accepted=2000)
    assert scene.store.sending.state(1) is IssueState.SENT
    assert scene.store.sending.workers() == []


def test_a_sender_that_is_told_to_stop_leaves_nothing_uncertain_and_the_other_finishes(scene: Scene) -> None:
    begun(scene.store, 2000)
    first, second = scene.sender(), scene.sender()
    scene.go(first, second)
    scene.has_sent(200)
    first.send_signal(signal.SIGTERM)
    ended(first)
    ended(second)
    assert sorted(scene.left()) == list(range(2000))
    assert scene.accounting() == Accounting(candidates=2000, accepted=2000)


# ----------------------------------------------------------------------------------- frozen and dead


def test_a_sender_frozen_beyond_its_lease_wakes_up_to_nothing_and_mails_nobody_twice(scene: Scene) -> None:
    begun(scene.store, 2000)
    slow = scene.sender("--freeze-at", "100")
    others = [scene.sender("--lease", "3") for _ in range(2)]
    scene.go(slow)
    frozen(slow)
    scene.go(*others)
    for sender in others:
        ended(sender)
    assert scene.store.sending.state(1) is IssueState.SENT
    found = scene.accounting()
    assert 0 < found.uncertain <= LANES
    assert (found.waiting, found.accepted + found.uncertain) == (0, 2000)
    slow.send_signal(signal.SIGCONT)
    ended(slow)
    assert sorted(scene.left()) == list(range(2000))
    assert scene.accounting() == Accounting(candidates=2000, accepted=2000)


def test_a_sender_that_is_killed_is_followed_at_once_and_only_what_it_had_on_the_wire_is_uncertain(
    scene: Scene, request: pytest.FixtureRequest
) -> None:
    begun(scene.store, 2000)
    if scene.store.engine.name == "postgresql":
        cluster: Cluster = request.getfixturevalue("cluster")
        cluster.settled()
    scene.go(killed := scene.sender("--die-at", "100"))
    killed.wait(SOON)
    scene.go(other := scene.sender())
    ended(other, 20)  # and not after the half minute of a lease
    assert killed.returncode == -signal.SIGKILL
    left = scene.left()
    assert len(left) == len(set(left))
    found = scene.accounting()
    assert 0 < found.uncertain <= LANES
    assert (found.candidates, found.waiting, found.accepted + found.uncertain) == (2000, 0, 2000)
    assert set(range(2000)) - set(left) <= scene.places(DeliveryState.UNCERTAIN)


def test_a_sender_whose_machine_is_gone_is_followed_when_its_lease_is_over(scene: Scene) -> None:
    """Its sign of life is still held, for the system has not noticed: frozen for good is the same."""
    begun(scene.store, 2000)
    gone, other = scene.sender("--lease", "2", "--freeze-at", "50"), scene.sender("--lease", "2")
    scene.go(gone)
    frozen(gone)
    scene.go(other)
    ended(other, 2 + 15)
    found = scene.accounting()
    assert 0 < found.uncertain <= LANES
    assert (found.waiting, found.accepted + found.uncertain) == (0, 2000)


@pytest.mark.long
def test_a_sender_whose_machine_is_gone_is_followed_within_45_seconds(scene: Scene) -> None:
    begun(scene.store, 1000)
    gone, other = scene.sender("--freeze-at", "50"), scene.sender()
    scene.go(gone)
    frozen(gone)
    scene.go(other)
    ended(other, 45)
    found = scene.accounting()
    assert 0 < found.uncertain <= LANES
    assert (found.waiting, found.accepted + found.uncertain) == (0, 1000)


# ------------------------------------------------------------------------------ the database is away


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
def test_sending_goes_on_by_itself_when_postgresql_is_back(scene: Scene, cluster: Cluster) -> None:
    begun(scene.store, 3000)
    senders = [scene.sender("--delay", "0.01") for _ in range(2)]
    scene.go(*senders)
    scene.has_sent(500)
    scene.store.close()
    cluster.stop()
    time.sleep(1.5)
    cluster.start()
    for sender in senders:
        ended(sender)
    assert sorted(scene.left()) == list(range(3000))
    assert scene.accounting() == Accounting(candidates=3000, accepted=3000)
    assert scene.store.sending.state(1) is IssueState.SENT


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_sending_goes_on_by_itself_when_a_lock_is_let_go(scene: Scene) -> None:
    begun(scene.store, 2000)
    senders = [scene.sender("--delay", "0.01") for _ in range(2)]
    scene.go(*senders)
    scene.has_sent(300)
    other = sqlite3.connect(str(scene.store.engine.url.database), isolation_level=None)
    other.execute("PRAGMA busy_timeout = 30000")
    other.execute("BEGIN IMMEDIATE")
    time.sleep(3)
    other.execute("ROLLBACK")
    other.close()
    for sender in senders:
        ended(sender)
    assert sorted(scene.left()) == list(range(2000))
    assert scene.accounting() == Accounting(candidates=2000, accepted=2000)
