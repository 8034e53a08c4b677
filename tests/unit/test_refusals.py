"""When refusals look like a block of us: the issue stops before its sender's name is ruined."""

from __future__ import annotations

import pytest

from digest.delivery.refusals import Refusals, is_policy
from digest.model import Outcome, Result, Stage

FINE = Outcome(result=Result.ACCEPTED, stage=Stage.CONTENT, code=250)
NOBODY = Outcome(
    result=Result.REFUSED, stage=Stage.RECIPIENT, code=550, enhanced="5.1.1", text="no such user"
)
BLOCKED = Outcome(
    result=Result.REFUSED, stage=Stage.CONTENT, code=550, enhanced="5.7.1", text="message refused"
)


@pytest.mark.parametrize(
    ("code", "enhanced", "text", "policy"),
    [
        (550, "5.7.1", "refused", True),
        (550, "5.7.515", "the sending domain does not meet the required level", True),
        (550, "5.1.1", "user unknown, see our policy page", False),
        (554, "", "blocked by a block list", True),
        (550, "", "user unknown", False),
        (552, "", "mailbox full, policy", False),
    ],
)
def test_a_policy_is_told_from_a_missing_mailbox(code: int, enhanced: str, text: str, policy: bool) -> None:
    outcome = Outcome(result=Result.REFUSED, stage=Stage.CONTENT, code=code, enhanced=enhanced, text=text)
    assert is_policy(outcome) is policy


def test_a_few_policy_refusals_among_many_readers_do_not_stop_an_issue() -> None:
    seen = Refusals()
    assert not any(seen.note(BLOCKED if n % 100 == 0 else FINE) for n in range(2000))


def test_a_block_stops_an_issue_at_its_fifth_refusal() -> None:
    seen = Refusals()
    assert [bool(seen.note(BLOCKED)) for _ in range(5)] == [False] * 4 + [True]


def test_a_block_in_the_middle_stops_an_issue() -> None:
    seen = Refusals()
    assert not any(seen.note(FINE) for _ in range(5000))
    assert [bool(seen.note(BLOCKED)) for _ in range(10)].index(True) == 4


def test_single_readers_who_are_gone_never_stop_an_issue() -> None:
    seen = Refusals()
    assert not any(seen.note(NOBODY if n % 3 == 0 else FINE) for n in range(2000))
    assert not any(Refusals().note(NOBODY) for _ in range(10))


def test_a_relay_that_knows_no_mailbox_any_more_stops_an_issue() -> None:
    seen = Refusals()
    assert [bool(seen.note(NOBODY)) for _ in range(25)].index(True) == 19
    seen = Refusals()
    assert not any(seen.note(FINE) for _ in range(1000))
    reasons = [seen.note(NOBODY) for _ in range(150)]
    assert [bool(reason) for reason in reasons].index(True) == 100
    assert "101 of the last 200 readers were refused: 550 5.1.1" in reasons[100]
