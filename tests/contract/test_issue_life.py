"""What an issue goes through after its cut, on SQLite and PostgreSQL: each step once, whole, or refused."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from builders import newsletter, post
from test_store import EMAIL, NEXT, NOW, SLOT, collect

from digest.collect import observe
from digest.errors import StoreError
from digest.model import Correction, Fate, IssueState, Notice, NoticeKind, Post, Slot, SlotFate
from digest.schedule import due
from digest.store import AlreadyCut, Changed, Store, StoredIssue, schema

LATER = NOW + timedelta(hours=1)
AFTER = SLOT.sends + timedelta(minutes=1)
CORRECTED = post("a", corrections=(Correction(date=date(2026, 11, 3), text="It was 24 weeks."),))


@pytest.fixture
def store(tmp_path: Path, store_url: str) -> Iterator[Store]:
    with Store.open(store_url, project=tmp_path) as store:
        yield store


def cut(store: Store, posts: Sequence[Post] = (CORRECTED, post("b")), slot: Slot = SLOT) -> StoredIssue:
    number = store.next_number()
    return store.cut(collect(store, list(posts), slot, number), EMAIL, (), slot.cutoff)


def approved(store: Store) -> StoredIssue:
    return store.approve(1, cut(store).hash, NOW)


def begin(store: Store, at: datetime = SLOT.sends) -> StoredIssue:
    """As if the audience had been frozen."""
    approved(store)
    with store.engine.begin() as connection:
        begun = {"state": IssueState.SENDING.value, "started_at": at}
        connection.execute(sa.update(schema.issue).values(begun))
    return store.issue(1)


def alter(store: Store, **values: str) -> None:
    """As somebody would who opens the database with another program."""
    with store.engine.begin() as connection:
        connection.execute(sa.update(schema.issue).values(values))


def fates(store: Store) -> dict[str, str]:
    return {id: entry.fate.value for id, entry in store.ledger().items()}


# ------------------------------------------------------------------------------------ hold and resume


def test_a_held_issue_is_again_what_it_was_once_it_is_resumed(store: Store) -> None:
    cut(store)
    held = store.life.hold(1, reason="a figure is wrong")
    assert (held.state, held.held_from, held.reason) == (
        IssueState.HELD,
        IssueState.DRAFT,
        "a figure is wrong",
    )
    again = store.life.resume(1, NOW)
    assert (again.state, again.held_from, again.reason, again.approved_at) == (
        IssueState.DRAFT,
        None,
        "",
        None,
    )


def test_holding_again_changes_nothing(store: Store) -> None:
    approved(store)
    held = store.life.hold(1, reason="first")
    assert store.life.hold(1, reason="second") == held


def test_an_issue_is_held_in_the_middle_of_its_sending_and_goes_on(store: Store) -> None:
    begin(store)
    assert store.life.hold(1).held_from is IssueState.SENDING
    assert not store.life.sent(1, AFTER)
    assert store.life.resume(1, AFTER).state is IssueState.SENDING
    assert store.life.sent(1, AFTER)
    assert (store.issue(1).state, store.issue(1).ended_at) == (IssueState.SENT, AFTER)


def test_resuming_what_was_approved_approves_it_as_of_now(store: Store) -> None:
    approved(store)
    store.life.hold(1)
    assert store.life.resume(1, LATER).approved_at == LATER


def test_a_draft_that_was_held_cannot_be_approved_before_it_is_resumed(store: Store) -> None:
    hash = cut(store).hash
    store.life.hold(1)
    with pytest.raises(StoreError, match="issue 1 is held; only a draft"):
        store.approve(1, hash, NOW)


def test_only_a_held_issue_can_be_resumed(store: Store) -> None:
    cut(store)
    with pytest.raises(StoreError, match="issue 1 is draft; only a held one"):
        store.life.resume(1, NOW)


def test_what_is_over_cannot_be_held(store: Store) -> None:
    begin(store)
    store.life.sent(1, AFTER)
    with pytest.raises(StoreError, match="issue 1 is sent; there is nothing left to hold"):
        store.life.hold(1)


def test_an_issue_that_failed_says_why(store: Store) -> None:
    begin(store)
    assert store.life.failed(1, AFTER, reason="the relay knows no such account")
    assert (store.issue(1).state, store.issue(1).reason) == (
        IssueState.FAILED,
        "the relay knows no such account",
    )
    assert not store.life.sent(1, AFTER)


# ------------------------------------------------------------------------------------- cancel and skip


@pytest.mark.parametrize("held", [False, True])
def test_a_cut_that_is_cancelled_in_time_is_undone(store: Store, held: bool) -> None:
    store.record(observe([CORRECTED, post("b")], {}, newsletter(), NOW))
    before = store.ledger()
    approved(store)
    if held:
        store.life.hold(1)
    gone = store.life.cancel(1, LATER, reason="the trial was retracted")
    assert (gone.state, gone.reason, gone.posts) == (IssueState.CANCELLED, "the trial was retracted", ())
    assert store.ledger() == before
    assert [(it.slot.day, it.fate, it.issue) for it in store.slots.all()] == [
        (SLOT.day, SlotFate.PLANNED, None)
    ]


def test_after_a_cancelled_cut_the_slot_is_cut_anew_with_a_new_number(store: Store) -> None:
    cut(store)
    store.life.cancel(1, LATER)
    assert due(newsletter(), store.last_slot(), LATER) == SLOT
    assert cut(store).number == 2
    assert [(it.number, it.state.value, len(it.posts)) for it in store.issues()] == [
        (1, "cancelled", 0),
        (2, "draft", 2),
    ]


def test_a_look_taken_before_a_cut_was_undone_carries_nothing(store: Store) -> None:
    cut(store)
    stale = store.ledger()
    changed = tuple(replace(entry, title="Another title") for entry in stale.values())
    store.life.cancel(1, LATER)
    store.record(replace(observe([], {}, newsletter(), NOW), changed=changed))
    assert set(fates(store).values()) == {Fate.WAITING.value}


@pytest.mark.parametrize("held", [False, True])
def test_cancelling_an_issue_on_its_way_keeps_its_posts_carried(store: Store, held: bool) -> None:
    begin(store)
    if held:
        store.life.hold(1)
    gone = store.life.cancel(1, AFTER)
    assert (gone.state, len(gone.posts)) == (IssueState.CANCELLED, 2)
    assert set(fates(store).values()) == {Fate.CARRIED.value}
    assert store.last_slot() == SLOT
    assert not store.life.sent(1, AFTER)


def test_a_sent_issue_can_neither_be_cancelled_nor_skipped(store: Store) -> None:
    begin(store)
    with pytest.raises(StoreError, match="issue 1 is on its way and cannot be skipped"):
        store.life.skip(1, AFTER)
    store.life.sent(1, AFTER)
    for step in (store.life.cancel, store.life.skip):
        with pytest.raises(StoreError, match="issue 1 is sent: its readers have it") as refused:
            step(1, AFTER)
        assert "correction" in refused.value.cure


def test_skipping_a_cut_issue_leaves_its_slot_empty_and_its_posts_waiting(store: Store) -> None:
    cut(store)
    assert store.life.skip(1, LATER).state is IssueState.SKIPPED
    assert set(fates(store).values()) == {Fate.WAITING.value}
    assert [it.fate for it in store.slots.all()] == [SlotFate.SKIPPED]
    skipped = {it.day for it in store.slots.skipped()}
    assert due(newsletter(), store.last_slot(), LATER, skipped) is None
    with pytest.raises(AlreadyCut, match="the slot of 2026-11-06 is skipped"):
        cut(store)
    assert cut(store, slot=NEXT).number == 2


def test_skipping_is_undone_as_long_as_the_slot_is_to_come(store: Store) -> None:
    cut(store)
    store.life.skip(1, NOW)
    assert store.slots.unskip(SLOT.day, LATER) == SLOT
    assert cut(store).number == 2
    store.slots.skip(NEXT, LATER)
    with pytest.raises(StoreError, match="the slot of 2026-11-13 has passed, so it stays empty"):
        store.slots.unskip(NEXT.day, NEXT.sends)
    with pytest.raises(StoreError, match="the slot of 2026-11-06 is not skipped, it is cut"):
        store.slots.unskip(SLOT.day, LATER)
    with pytest.raises(StoreError, match="no slot of 2026-12-04 was skipped"):
        store.slots.unskip(date(2026, 12, 4), LATER)


def test_a_slot_that_has_its_issue_is_not_skipped_behind_its_back(store: Store) -> None:
    cut(store)
    with pytest.raises(StoreError, match="the slot of 2026-11-06 is cut already"):
        store.slots.skip(SLOT, LATER)


# --------------------------------------------------------------------------------------- what is public


def test_an_issue_that_was_on_its_way_stays_on_the_site_whatever_becomes_of_it(store: Store) -> None:
    begin(store)
    store.life.hold(1)
    assert [it.number for it in store.published_issues(AFTER)] == [1]
    store.life.cancel(1, AFTER)
    assert [it.number for it in store.published_issues(AFTER)] == [1]


def test_an_issue_that_never_began_leaves_the_site(store: Store) -> None:
    approved(store)
    assert [it.number for it in store.published_issues(AFTER)] == [1]
    store.life.hold(1)
    assert store.published_issues(AFTER) == []


def test_an_issue_sent_before_its_time_is_public_from_then_on(store: Store) -> None:
    begin(store, at=LATER)
    assert [it.card.published for it in store.published_issues(LATER)] == [LATER]


# ---------------------------------------------------------------------------------- one byte is another


@pytest.mark.parametrize("column", ["subject", "html", "text"])
def test_one_byte_changed_in_the_store_makes_the_approval_void(store: Store, column: str) -> None:
    approved(store)
    assert store.life.verify_frozen(1, NOW).state is IssueState.APPROVED
    alter(store, **{column: getattr(EMAIL, column) + "."})
    with pytest.raises(Changed, match="issue 1 is not what was cut") as refused:
        store.life.verify_frozen(1, NOW)
    assert "digest issue cancel 1" in refused.value.cure
    assert store.issue(1).state is IssueState.HELD
    assert [it.kind for it in store.notices.open(1)] == [NoticeKind.CHANGED]
    with pytest.raises(Changed):
        store.life.resume(1, NOW)
    assert store.issue(1).state is IssueState.HELD


def test_what_was_changed_in_the_store_cannot_be_approved_by_its_old_hash(store: Store) -> None:
    hash = cut(store).hash
    alter(store, html="<p>Another.</p>")
    with pytest.raises(StoreError, match="is not what was cut"):
        store.approve(1, hash, NOW)
    assert store.issue(1).state is IssueState.DRAFT


# --------------------------------------------------------------------------------------------- slots


def kiritimati(day: int) -> Slot:
    """Seven o'clock on a Friday, where that is still Thursday in UTC."""
    sends = datetime(2026, 11, day - 1, 17, 0, tzinfo=UTC)
    return Slot(cutoff=sends - timedelta(hours=12), sends=sends, day=date(2026, 11, day))


def test_an_issue_keeps_the_local_date_of_its_newsletter(store: Store) -> None:
    assert cut(store, slot=kiritimati(6)).slot == kiritimati(6)
    assert store.last_slot() == kiritimati(6)
    assert {entry.slot for entry in store.ledger().values()} == {kiritimati(6)}


def test_another_zone_makes_no_second_issue_of_a_day_nor_of_an_instant(store: Store) -> None:
    cut(store, slot=kiritimati(6))
    moved = newsletter(every="day", timezone="Pacific/Kiritimati")
    assert due(moved, store.last_slot(), SLOT.sends) == kiritimati(7)
    in_utc = replace(kiritimati(6), day=date(2026, 11, 5))
    with pytest.raises(AlreadyCut, match="issue 1 was cut already"):
        cut(store, [post("c")], in_utc)


def test_slots_that_passed_without_a_run_are_missed(store: Store) -> None:
    third = replace(
        NEXT,
        cutoff=NEXT.cutoff + timedelta(weeks=1),
        sends=NEXT.sends + timedelta(weeks=1),
        day=date(2026, 11, 20),
    )
    store.slots.keep([SLOT, NEXT, third], NOW)
    cut(store, slot=NEXT)
    assert [it.fate.value for it in store.slots.all()] == ["missed", "cut", "planned"]


def test_a_slot_kept_under_another_rule_is_replaced_and_named(store: Store) -> None:
    assert store.slots.keep([SLOT, NEXT], NOW) == []
    assert store.slots.keep([SLOT, NEXT], NOW) == []
    later = replace(SLOT, sends=SLOT.sends + timedelta(hours=2))
    monday = replace(NEXT, sends=NEXT.sends + timedelta(days=3), day=date(2026, 11, 16))
    moved = store.slots.keep([later, monday], NOW)
    assert [(it.was, it.now) for it in moved] == [(SLOT, later), (NEXT, None)]
    assert [it.slot for it in store.slots.all()] == [later, monday]


def test_a_clock_set_back_neither_moves_nor_repeats_a_slot(store: Store) -> None:
    store.slots.keep([NEXT], NEXT.cutoff)
    assert store.slots.keep([SLOT], NOW) == []
    cut(store, slot=NEXT)
    assert due(newsletter(), store.last_slot(), NOW) is None


# -------------------------------------------------------------------------------------------- notices


def notice(kind: str = "missed", issue: int | None = 1, says: str = "issue 1 was missed") -> Notice:
    return Notice(kind=kind, issue=issue, says=says, cure="digest issue resume 1", at=NOW)


def test_a_matter_is_told_once_until_it_is_answered(store: Store) -> None:
    assert store.notices.add(notice())
    assert not store.notices.add(notice(says="issue 1 was missed by 20 hours"))
    assert [it.says for it in store.notices.open()] == ["issue 1 was missed by 20 hours"]
    assert store.notices.answer(NOW, kind="missed", issue=1) == 1
    assert store.notices.open() == []
    assert store.notices.add(notice())


def test_notices_of_other_matters_stand_beside_it(store: Store) -> None:
    for told in (notice(), notice("stopped"), notice(issue=2), notice("clock", None), notice("clock", None)):
        store.notices.add(told)
    assert [(it.kind, it.issue) for it in store.notices.open()] == [
        ("missed", 1),
        ("stopped", 1),
        ("missed", 2),
        ("clock", None),
    ]
    assert [it.kind for it in store.notices.open(1)] == ["missed", "stopped"]


def test_what_is_resumed_or_cancelled_has_answered_its_notices(store: Store) -> None:
    approved(store)
    assert store.life.hold_for(1, notice())
    assert not store.life.hold_for(1, notice())
    store.life.resume(1, NOW)
    assert store.notices.open() == []
    store.life.hold_for(1, notice())
    store.life.cancel(1, NOW)
    assert store.notices.open() == []


# ------------------------------------------------------------------------------------------- at once


def at_once(*steps: Callable[[], object]) -> list[str]:
    """Each step in a thread of its own, all let go together; what each came to, in their order."""
    gate, came = threading.Barrier(len(steps)), [""] * len(steps)

    def run(place: int, step: Callable[[], object]) -> None:
        gate.wait()
        try:
            came[place] = str(step())
        except StoreError as refused:
            came[place] = f"refused: {refused.says}"

    threads = [threading.Thread(target=run, args=(place, step)) for place, step in enumerate(steps)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return came


@pytest.fixture
def other(tmp_path: Path, store: Store, store_url: str) -> Iterator[Store]:
    """The same store, opened by another run."""
    with Store.open(store_url, project=tmp_path) as other:
        yield other


def test_two_cuts_at_once_make_one_issue(store: Store, other: Store) -> None:
    issue = collect(store, [post("a")])
    came = at_once(
        lambda: store.cut(issue, EMAIL, (), NOW).number, lambda: other.cut(issue, EMAIL, (), NOW).number
    )
    assert sorted(came)[0] == "1"
    assert sorted(came)[1].startswith("refused: issue 1 was cut already")


def test_approving_and_cancelling_at_once_never_leave_an_approved_issue_without_posts(
    store: Store, other: Store
) -> None:
    hash = cut(store).hash
    came = at_once(lambda: store.approve(1, hash, NOW).state, lambda: other.life.cancel(1, NOW).state)
    assert came[1] == "cancelled"
    assert came[0] in ("approved", "refused: issue 1 is cancelled; only a draft can be approved")
    assert store.issue(1).state is IssueState.CANCELLED
    assert set(fates(store).values()) == {"waiting"}


def test_of_hold_and_sent_at_once_one_wins(store: Store, other: Store) -> None:
    begin(store)
    held, done = at_once(lambda: store.life.hold(1).state, lambda: other.life.sent(1, AFTER))
    if done == "True":
        assert held == "refused: issue 1 is sent; there is nothing left to hold"
        assert store.issue(1).state is IssueState.SENT
    else:
        assert (held, store.issue(1).state) == ("held", IssueState.HELD)


def test_two_that_cancel_and_skip_at_once_undo_one_cut_once(store: Store, other: Store) -> None:
    cut(store)
    came = at_once(lambda: store.life.cancel(1, NOW).state, lambda: other.life.skip(1, NOW).state)
    assert sum(it.startswith("refused") for it in came) == 1
    won = next(it for it in came if not it.startswith("refused"))
    assert store.issue(1).state == won
    assert [it.fate for it in store.slots.all()] == [
        SlotFate.PLANNED if won == "cancelled" else SlotFate.SKIPPED
    ]


def test_many_that_tell_the_same_at_once_put_up_one_notice(store: Store, other: Store) -> None:
    at_once(*[lambda: store.notices.add(notice()), lambda: other.notices.add(notice())] * 3)
    assert len(store.notices.open()) == 1
