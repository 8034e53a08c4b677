"""kill -9 at any line that a run executes, and at any moment: nobody is lost, nobody has it twice.

`kill.py` does the killing. In the ordinary run there are 100 points for each scenario and 1,000 in the long
one; all of them take about a minute.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from kill import Tally
from results import Result
from scene import CONNECTIONS, measured


@dataclass(frozen=True, kw_only=True)
class Killer:
    """Runs the process that kills, and keeps what it tells for the table."""

    long: bool
    results: Callable[[Result], None]

    def kill(self, scenario: str, points: int, long: int, *, fault: str, times: bool = False) -> Tally:
        options = ["--points", str(long if self.long else points), *(["--times"] if times else [])]
        tally = Tally(**measured("kill.py", scenario, *options))
        self._tell(fault, tally)
        return tally

    def _tell(self, fault: str, tally: Tally) -> None:
        most = [
            f"at most {count} {what} a kill"
            for what, count in (("doubled", tally.most_doubled), ("uncertain", tally.most_uncertain))
            if count
        ]
        self.results(
            Result(
                fault=fault,
                points=tally.points,
                lost=tally.lost,
                doubled=tally.doubled,
                uncertain=tally.uncertain,
                corrupt=len(tally.wrong),
                each=", ".join(most),
            )
        )


@pytest.fixture
def killer(long: bool, results: Callable[[Result], None]) -> Killer:
    return Killer(long=long, results=results)


def test_a_sending_killed_at_any_line_loses_nobody_and_mails_nobody_twice(killer: Killer) -> None:
    tally = killer.kill("send-hold", 100, 1000, fault="kill -9 at a line, sending, `hold`")
    assert (tally.wrong, tally.lost, tally.doubled) == ([], 0, 0)
    assert 0 < tally.most_uncertain <= CONNECTIONS, "some are killed behind a dot, or nothing was tested"
    assert tally.most_restarts == 1
    assert tally.killed >= tally.points * 0.9


def test_who_resends_doubles_at_most_one_letter_a_connection(killer: Killer) -> None:
    tally = killer.kill("send-resend", 100, 1000, fault="kill -9 at a line, sending, `resend`")
    assert (tally.wrong, tally.lost, tally.uncertain) == ([], 0, 0)
    assert 0 < tally.most_doubled <= CONNECTIONS
    assert tally.most_restarts == 1
    assert tally.killed >= tally.points * 0.9


def test_at_any_moment_on_the_loop_that_is_used_nobody_is_mailed_twice(killer: Killer) -> None:
    """uvloop, and a server that takes its time: most kills fall between a dot and its answer (RFC 1047)."""
    fault = "kill -9 at a moment, uvloop, slow server, `hold`"
    tally = killer.kill("send-hold-slow", 20, 200, times=True, fault=fault)
    assert (tally.wrong, tally.lost, tally.doubled) == ([], 0, 0)
    assert 0 < tally.most_uncertain <= CONNECTIONS


def test_at_any_moment_on_the_loop_that_is_used_resending_loses_nobody(killer: Killer) -> None:
    fault = "kill -9 at a moment, uvloop, slow server, `resend`"
    tally = killer.kill("send-resend-slow", 20, 200, times=True, fault=fault)
    assert (tally.wrong, tally.lost, tally.uncertain) == ([], 0, 0)
    assert tally.most_doubled <= CONNECTIONS


def test_a_cut_killed_at_any_line_is_there_whole_or_not_and_once_after_the_next(killer: Killer) -> None:
    tally = killer.kill("cut", 100, 1000, fault="kill -9 at a line, the store's part of a cut")
    assert (tally.wrong, tally.most_restarts) == ([], 1)


def test_the_command_that_cuts_may_be_killed_at_any_line(killer: Killer) -> None:
    tally = killer.kill("cut-command", 15, 200, fault="kill -9 at a line, `digest issue cut`")
    assert (tally.wrong, tally.most_restarts) == ([], 1)


def test_an_import_killed_at_any_line_and_run_again_ends_as_if_nothing_had_happened(killer: Killer) -> None:
    tally = killer.kill("import", 100, 1000, fault="kill -9 at a line, an import")
    assert (tally.wrong, tally.most_restarts) == ([], 1)


def test_the_command_that_imports_may_be_killed_at_any_line(killer: Killer) -> None:
    tally = killer.kill("import-command", 15, 200, fault="kill -9 at a line, `digest subscribers import`")
    assert (tally.wrong, tally.most_restarts) == ([], 1)


def test_a_move_to_postgresql_killed_at_any_line_ends_right_when_it_is_run_again(killer: Killer) -> None:
    tally = killer.kill("move", 100, 1000, fault="kill -9 at a line, a move to PostgreSQL")
    assert (tally.wrong, tally.most_restarts) == ([], 1)
