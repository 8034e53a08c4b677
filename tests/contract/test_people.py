"""What the store promises of people: whoever left is not mailed, every act is written down, once."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from builders import newsletter, post

from digest.collect import next_issue, observe
from digest.errors import StoreError
from digest.model import (
    ConsentAct,
    DeliveryState,
    Email,
    Slot,
    Subscriber,
    SubscriberState,
    SuppressionReason,
)
from digest.store import Store, schema
from digest.store.database import reading, writing
from digest.store.people import Act, Answer, Newcomer, Result, Unwanted, audience
from digest.subscribers.addresses import Address, read_address
from digest.subscribers.tokens import Purpose, make, read

NOW = datetime(2026, 11, 5, 19, 0, tzinfo=UTC)
LATER = NOW + timedelta(days=3)
WORDS = "Yes, send me Remission Weekly."
FORM = Act(at=NOW, how="form", words=WORDS)
AUTHOR = Act(at=NOW, how="command line")
LINK = Act(at=LATER, how="one-click")


@pytest.fixture
def store(store_url: str, tmp_path: Path) -> Iterator[Store]:
    """The one place where a store is opened: what is promised here is promised of every database."""
    with Store.open(store_url, project=tmp_path) as store:
        yield store


@pytest.fixture
def file_store(tmp_path: Path) -> Iterator[Store]:
    """For what is about SQLite's own file."""
    with Store.open("sqlite:///digest.db", project=tmp_path) as store:
        yield store


def reader(number: int = 17) -> Address:
    return read_address(f"reader-{number}@example.org")


def there(answer: Answer) -> Subscriber:
    assert answer.subscriber is not None
    return answer.subscriber


def joined(store: Store, number: int = 17) -> Subscriber:
    """A reader who signed up and confirmed."""
    store.people.add(reader(number), FORM, by_reader=True, name=f"Reader {number}")
    return there(store.people.confirm(reader(number), LINK, by_reader=True))


def mailed(store: Store) -> list[str]:
    with reading(store.engine) as connection:
        return [row.address for row in connection.execute(audience())]


def acts(store: Store, number: int = 17) -> list[ConsentAct]:
    return [line.act for line in store.people.show(reader(number), LATER).consents]


def send(store: Store, *states: DeliveryState) -> None:
    """An issue on its way to the audience: the first reader's letter is in the first of the states ..."""
    slot = Slot(cutoff=NOW, sends=NOW + timedelta(hours=12))
    store.record(observe([post("a")], store.ledger(), newsletter(), NOW))
    issue = next_issue([post("a")], store.ledger(), newsletter(), slot, 1).issue
    assert issue
    store.cut(issue, Email(subject="One", html="<p>One.</p>", text="One.", summary="One."), (), NOW)
    with writing(store.engine) as connection:
        rows = [
            {
                "issue": 1,
                "place": place,
                "subscriber": row.id,
                "address": row.address,
                "state": states[place % len(states)].value,
                "attempts": 0,
                "reply": f"550 5.1.1 <{row.address}> unknown",
            }
            for place, row in enumerate(connection.execute(audience()).all())
        ]
        connection.execute(sa.insert(schema.delivery), rows)


def letters(store: Store) -> list[tuple[str, str]]:
    rows = sa.select(schema.delivery.c.state, schema.delivery.c.address).order_by(schema.delivery.c.place)
    with reading(store.engine) as connection:
        return [(row.state, row.address) for row in connection.execute(rows)]


# ------------------------------------------------------------------------------------------- joining


def test_a_reader_who_signs_up_is_mailed_only_once_they_have_confirmed(store: Store) -> None:
    added = store.people.add(reader(), FORM, by_reader=True, name="Reader")
    assert added.done
    assert there(added).state is SubscriberState.PENDING
    assert mailed(store) == []
    confirmed = store.people.confirm(there(added).id, LINK, by_reader=True)
    assert confirmed.done
    assert there(confirmed).confirmed_at == LATER
    assert mailed(store) == ["reader-17@example.org"]
    log = store.people.show(reader(), LATER).consents
    assert [(line.act, line.at, line.how, line.words) for line in log] == [
        (ConsentAct.SIGNED_UP, NOW, "form", WORDS),
        (ConsentAct.CONFIRMED, LATER, "one-click", ""),
    ]


def test_whom_the_author_adds_as_confirmed_is_mailed(store: Store) -> None:
    assert store.people.add(reader(), AUTHOR, confirmed=True).done
    assert mailed(store) == ["reader-17@example.org"]
    assert acts(store) == [ConsentAct.ADDED]


def test_one_address_is_one_subscriber_however_it_is_written(store: Store) -> None:
    first = there(store.people.add(reader(), FORM))
    again = store.people.add(read_address("READER-17@Example.ORG"), FORM)
    assert again.result is Result.SO_ALREADY
    assert there(again) == first
    assert store.people.census(NOW).pending == 1
    assert len(acts(store)) == 1


def test_of_many_who_do_the_same_at_once_one_has_done_it(store: Store) -> None:
    store.people.keys(NOW)
    with ThreadPoolExecutor(6) as pool:
        added = list(pool.map(lambda _: store.people.add(reader(), FORM), range(6)))
        store.people.confirm(reader(), LINK)
        left = list(pool.map(lambda _: store.people.leave(reader(), LINK), range(6)))
    for answers in (added, left):
        assert sorted(it.result for it in answers) == [Result.DONE, *[Result.SO_ALREADY] * 5]
    assert acts(store) == [ConsentAct.ADDED, ConsentAct.CONFIRMED, ConsentAct.LEFT]


def test_confirming_twice_is_not_done_twice(store: Store) -> None:
    joined(store)
    again = store.people.confirm(reader(), LINK, by_reader=True)
    assert again.result is Result.SO_ALREADY
    assert acts(store) == [ConsentAct.SIGNED_UP, ConsentAct.CONFIRMED]


def test_who_is_not_there_cannot_confirm_leave_or_be_removed(store: Store) -> None:
    for who in (reader(), 99):
        assert store.people.confirm(who, LINK).result is Result.NOBODY
        assert store.people.leave(who, LINK).result is Result.NOBODY
        assert store.people.remove(who, AUTHOR).result is Result.NOBODY
        assert store.people.erase(who, AUTHOR).result is Result.NOBODY
    assert store.people.suppress(99, SuppressionReason.HARD_BOUNCE, AUTHOR).result is Result.NOBODY
    assert store.people.lift(99, AUTHOR).result is Result.NOBODY
    assert store.people.show(reader(), NOW).nothing


# ------------------------------------------------------------------------------------------- leaving


def test_who_leaves_is_never_mailed_again(store: Store) -> None:
    joined(store)
    left = store.people.leave(reader(), LINK)
    assert left.done
    assert there(left).state is SubscriberState.LEFT
    assert left.suppression is not None
    assert left.suppression.reason is SuppressionReason.UNSUBSCRIBED
    assert mailed(store) == []


def test_who_leaves_twice_is_not_told_that_something_changed(store: Store) -> None:
    joined(store)
    assert store.people.leave(reader(), LINK).done
    assert store.people.leave(reader(), LINK).result is Result.SO_ALREADY
    assert acts(store).count(ConsentAct.LEFT) == 1


def test_who_leaves_while_an_issue_goes_out_is_skipped_from_that_second(store: Store) -> None:
    first, second = joined(store, 1), joined(store, 2)
    send(store, DeliveryState.QUEUED)
    store.people.leave(second.id, LINK)
    assert letters(store) == [("queued", first.address), ("suppressed", second.address)]


@pytest.mark.parametrize("state", [it for it in DeliveryState if it is not DeliveryState.QUEUED])
def test_leaving_changes_nothing_of_what_has_gone_out(store: Store, state: DeliveryState) -> None:
    joined(store)
    send(store, state)
    store.people.leave(reader(), LINK)
    assert letters(store) == [(state.value, "reader-17@example.org")]


@pytest.mark.parametrize("reason", SuppressionReason)
def test_every_reason_stops_what_waits_and_the_next_issue(store: Store, reason: SuppressionReason) -> None:
    joined(store)
    send(store, DeliveryState.QUEUED)
    assert store.people.suppress(reader(), reason, LINK, detail="why").done
    assert letters(store)[0][0] == "suppressed"
    assert mailed(store) == []
    assert acts(store)[-1] is ConsentAct.SUPPRESSED


def test_an_address_can_be_suppressed_before_it_ever_subscribes(store: Store) -> None:
    assert store.people.suppress(reader(), SuppressionReason.MANUAL, AUTHOR).done
    assert store.people.add(reader(), AUTHOR, confirmed=True).result is Result.BARRED
    assert store.people.add(reader(), FORM, by_reader=True).result is Result.BARRED
    assert store.people.census(NOW).pending == 0


def test_a_graver_reason_takes_the_place_of_a_lighter_one_and_never_the_reverse(store: Store) -> None:
    joined(store)
    reasons = [
        SuppressionReason.HARD_BOUNCE,
        SuppressionReason.UNSUBSCRIBED,
        SuppressionReason.COMPLAINT,
        SuppressionReason.MANUAL,
    ]
    for graver in reasons:
        assert store.people.suppress(reader(), graver, LINK, detail=graver.value).done
        for lighter in reasons[: reasons.index(graver) + 1]:
            answer = store.people.suppress(reader(), lighter, AUTHOR, detail="again")
            assert answer.result is Result.SO_ALREADY
            assert answer.suppression is not None
            assert (answer.suppression.reason, answer.suppression.detail) == (graver, graver.value)


# -------------------------------------------------------------------------------------- coming again


def test_a_reader_who_left_and_signs_up_again_is_mailed_once_they_confirm(store: Store) -> None:
    joined(store)
    store.people.leave(reader(), LINK)
    again = store.people.add(reader(), FORM, by_reader=True)
    assert again.done
    assert there(again).state is SubscriberState.PENDING
    assert mailed(store) == []
    assert store.people.confirm(reader(), LINK, by_reader=True).done
    assert mailed(store) == ["reader-17@example.org"]


def test_an_old_link_to_confirm_does_not_bring_back_who_left(store: Store) -> None:
    joined(store)
    store.people.leave(reader(), LINK)
    assert store.people.confirm(reader(), LINK, by_reader=True).result is Result.BARRED
    assert mailed(store) == []


@pytest.mark.parametrize("reason", [SuppressionReason.COMPLAINT, SuppressionReason.MANUAL])
def test_who_complained_or_was_barred_comes_back_only_by_the_author(
    store: Store, reason: SuppressionReason
) -> None:
    joined(store)
    store.people.suppress(reader(), reason, LINK)
    store.people.leave(reader(), LINK)
    assert store.people.add(reader(), FORM, by_reader=True).result is Result.BARRED
    assert store.people.lift(reader(), AUTHOR).done
    assert store.people.lift(reader(), AUTHOR).result is Result.SO_ALREADY
    assert mailed(store) == []  # off the list is not yet on the other one
    store.people.add(reader(), FORM, by_reader=True)
    assert store.people.confirm(reader(), LINK, by_reader=True).done
    assert mailed(store) == ["reader-17@example.org"]


def test_the_author_does_not_confirm_over_the_head_of_who_left(store: Store) -> None:
    joined(store)
    store.people.leave(reader(), LINK)
    assert store.people.add(reader(), AUTHOR, confirmed=True).result is Result.BARRED
    store.people.add(reader(), FORM, by_reader=True)
    assert store.people.confirm(reader(), AUTHOR).result is Result.BARRED
    assert mailed(store) == []


def test_whom_the_author_removes_may_sign_up_again_but_not_if_it_is_for_good(store: Store) -> None:
    joined(store, 1)
    joined(store, 2)
    assert store.people.remove(reader(1), AUTHOR).done
    assert store.people.remove(reader(2), AUTHOR, for_good=True).done
    assert mailed(store) == []
    assert store.people.add(reader(1), FORM, by_reader=True).done
    assert store.people.add(reader(2), FORM, by_reader=True).result is Result.BARRED


# ------------------------------------------------------------------------------------------- erasing


def test_of_who_is_erased_a_keyed_hash_is_left_and_nothing_else(store: Store) -> None:
    joined(store)
    send(store, DeliveryState.ACCEPTED)
    came = {"message": "x" * 64, "subscriber": 1, "issue": 1, "kind": "permanent", "at": LATER}
    with writing(store.engine) as connection:
        says = {"status": "5.1.1", "diagnostic": "no reader-17 here"}
        connection.execute(sa.insert(schema.bounce), came | says)
    store.people.leave(reader(), Act(at=LATER, how="one-click by reader-17@example.org"))
    assert store.people.erase(reader(), Act(at=LATER, how="command line")).done
    for table in schema.metadata.sorted_tables:
        with reading(store.engine) as connection:
            rows = str(connection.execute(sa.select(table)).all())
        assert "eader-17" not in rows, table.name
        assert "Reader 17" not in rows, table.name
    [(mark, left)] = store.people.each_suppression()
    assert mark == store.people.mark(reader(), NOW)
    assert (left.address, left.detail) == ("", "erased")
    assert acts(store) == [ConsentAct.ERASED]
    assert letters(store) == [("accepted", "")]


def test_sqlites_file_keeps_no_trace_of_who_was_erased(file_store: Store, tmp_path: Path) -> None:
    """Nor of where their row stood before pages were split: among 600 they are in the middle of it."""
    file_store.people.take_in(newcomers(*range(1000, 1600)), FORM)
    file_store.people.suppress(reader(1300), SuppressionReason.COMPLAINT, AUTHOR)
    file_store.people.erase(reader(1300), AUTHOR)
    file_store.close()
    with closing(sqlite3.connect(tmp_path / "digest.db")) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    content = (tmp_path / "digest.db").read_bytes()
    assert b"reader-1301@example.org" in content
    assert b"reader-1300@example.org" not in content


def test_who_was_erased_is_not_mailed_when_an_old_list_is_imported(store: Store) -> None:
    joined(store)
    store.people.erase(reader(), AUTHOR)
    newcomer = Newcomer(address=reader(), confirmed_at=NOW)
    assert store.people.take_in([newcomer], AUTHOR).suppressed == 1
    assert store.people.add(reader(), AUTHOR, confirmed=True).result is Result.BARRED
    assert mailed(store) == []


def test_no_old_file_writes_the_address_of_who_was_erased_down_again(store: Store) -> None:
    joined(store)
    store.people.erase(reader(), AUTHOR)
    unwanted = [Unwanted(address=reader(), reason=SuppressionReason.COMPLAINT)]
    store.people.shut_out(unwanted, AUTHOR)
    [(_, listed)] = store.people.each_suppression()
    assert (listed.address, listed.reason) == ("", SuppressionReason.COMPLAINT)


def test_who_is_erased_twice_was_erased_already(store: Store) -> None:
    joined(store)
    assert store.people.erase(reader(), AUTHOR).done
    assert store.people.erase(reader(), AUTHOR).result is Result.SO_ALREADY
    assert acts(store) == [ConsentAct.ERASED]


def test_the_letters_of_who_is_erased_do_not_go_out(store: Store) -> None:
    joined(store)
    send(store, DeliveryState.QUEUED)
    store.people.erase(reader(), AUTHOR)
    assert letters(store) == [("suppressed", "")]


def test_the_number_of_who_was_erased_is_never_given_to_another(store: Store) -> None:
    gone = joined(store, 1)
    store.people.erase(gone.id, AUTHOR)
    assert joined(store, 2).id > gone.id


def test_only_what_erasing_takes_away_ever_leaves_the_consent_log(store: Store) -> None:
    joined(store)
    with pytest.raises(StoreError, match="only added to"), writing(store.engine) as connection:
        connection.execute(sa.update(schema.consent).values(words="another sentence"))
    assert store.people.show(reader(), NOW).consents[0].words == WORDS


# ------------------------------------------------------------------------------------------- secrets


def test_the_secrets_of_a_store_are_made_once_and_survive_closing(store: Store, tmp_path: Path) -> None:
    keys = store.people.keys(NOW)
    assert store.people.keys(LATER) == keys
    url = store.engine.url.render_as_string(hide_password=False)
    with Store.open(url, project=tmp_path) as again:
        assert again.people.keys(LATER) == keys
    assert "marks" not in repr(keys)


def test_a_new_key_signs_and_the_old_ones_still_read(store: Store) -> None:
    before = store.people.keys(NOW)
    old = make(before.tokens, Purpose.LEAVE, 17)
    after = store.people.renew_tokens(LATER)
    assert after.marks == before.marks
    assert make(after.tokens, Purpose.LEAVE, 17) != old
    assert read(after.tokens, Purpose.LEAVE, old, now=LATER) == 17


# ------------------------------------------------------------------------------------------- looking


def test_everybody_is_counted_once_and_the_mailed_are_those_whom_the_next_issue_goes_to(store: Store) -> None:
    for number in range(4):
        joined(store, number)
    store.people.add(reader(4), FORM)
    store.people.leave(reader(0), LINK)
    store.people.suppress(reader(1), SuppressionReason.HARD_BOUNCE, LINK)
    store.people.suppress(reader(99), SuppressionReason.COMPLAINT, LINK)
    census = store.people.census(NOW)
    assert (census.pending, census.confirmed, census.left, census.mailed) == (1, 3, 1, 2)
    assert {reason: count for reason, count in census.suppressed.items() if count} == {
        SuppressionReason.UNSUBSCRIBED: 1,
        SuppressionReason.HARD_BOUNCE: 1,
        SuppressionReason.COMPLAINT: 1,
    }
    assert len(mailed(store)) == census.mailed


def test_a_list_is_read_page_by_page_and_narrowed(store: Store) -> None:
    for number in range(7):
        joined(store, number)
    store.people.leave(reader(3), LINK)
    pages, after = [], 0
    while page := store.people.page(after=after, limit=3):
        pages.append([it.subscriber.address[7:8] for it in page])
        after = page[-1].subscriber.id
    assert pages == [["0", "1", "2"], ["3", "4", "5"], ["6"]]
    assert [it.mailed for it in store.people.page(suppressed=True)] == [False]
    assert len(store.people.page(suppressed=False)) == 6
    assert len(store.people.page(state=SubscriberState.CONFIRMED)) == 6
    assert [it.subscriber.name for it in store.people.page(containing="READER-5")] == ["Reader 5"]
    assert store.people.page(containing="%") == []
    assert len(list(store.people.each())) == 7


def test_everything_that_is_kept_of_a_reader_is_shown_to_them(store: Store) -> None:
    one = joined(store)
    send(store, DeliveryState.ACCEPTED)
    came = {"message": "x" * 64, "subscriber": one.id, "issue": 1, "kind": "transient", "at": LATER}
    with writing(store.engine) as connection:
        connection.execute(sa.insert(schema.bounce), came | {"status": "4.2.2", "diagnostic": "full"})
    held = store.people.show(one.id, LATER)
    assert held.subscriber == one
    assert [(it.issue, it.state) for it in held.issues] == [(1, DeliveryState.ACCEPTED)]
    assert [(it.kind, it.diagnostic) for it in held.bounces] == [("transient", "full")]
    assert len(held.consents) == 2
    found = store.people.find(one.id, LATER)
    assert found is not None
    assert found.mailed
    assert store.people.find(reader(18), LATER) is None


# ------------------------------------------------------------------------------------------ importing


def newcomers(*numbers: int, confirmed: bool = True) -> list[Newcomer]:
    when = NOW if confirmed else None
    return [Newcomer(address=reader(number), confirmed_at=when) for number in numbers]


def test_an_import_takes_in_who_is_new_and_a_second_run_changes_nothing(store: Store) -> None:
    first = store.people.take_in(newcomers(1, 2, 3, 2), FORM)
    assert (first.new, first.already, first.suppressed, first.confirmed) == (3, 1, 0, 3)
    again = store.people.take_in(newcomers(1, 2, 3, 2), FORM)
    assert (again.new, again.already, again.suppressed, again.confirmed) == (0, 4, 0, 0)
    assert len(mailed(store)) == 3
    assert acts(store, 2) == [ConsentAct.IMPORTED]


def test_an_import_does_not_mail_who_is_suppressed_or_has_left(store: Store) -> None:
    joined(store, 1)
    store.people.leave(reader(1), LINK)
    store.people.suppress(reader(2), SuppressionReason.HARD_BOUNCE, AUTHOR)
    counts = store.people.take_in(newcomers(1, 2, 3), FORM)
    assert (counts.new, counts.suppressed) == (1, 2)
    assert mailed(store) == ["reader-3@example.org"]


def test_an_import_confirms_who_was_waiting_and_never_the_reverse(store: Store) -> None:
    store.people.take_in(newcomers(1, 2, confirmed=False), FORM)
    assert mailed(store) == []
    counts = store.people.take_in(newcomers(1), FORM)
    assert (counts.new, counts.already, counts.confirmed) == (0, 1, 1)
    store.people.take_in(newcomers(1, confirmed=False), FORM)
    assert mailed(store) == ["reader-1@example.org"]
    assert [line.words for line in store.people.show(reader(1), NOW).consents] == ["", WORDS]


def test_suppressions_of_an_import_stop_subscribers_and_letters_and_bar_newcomers(store: Store) -> None:
    joined(store, 1)
    joined(store, 2)
    send(store, DeliveryState.QUEUED)
    unwanted = [
        Unwanted(address=reader(1), reason=SuppressionReason.UNSUBSCRIBED, since=NOW - timedelta(days=90)),
        Unwanted(address=reader(2), reason=SuppressionReason.HARD_BOUNCE),
        Unwanted(address=reader(3), reason=SuppressionReason.COMPLAINT),
        Unwanted(address=reader(3), reason=SuppressionReason.UNSUBSCRIBED),
    ]
    counts = store.people.shut_out(unwanted, AUTHOR)
    assert (counts.new, counts.already) == (3, 1)
    assert store.people.take_in(newcomers(1, 2, 3), FORM).new == 0
    assert [state for state, _ in letters(store)] == ["suppressed", "suppressed"]
    assert mailed(store) == []
    held = store.people.show(reader(1), NOW)
    assert held.subscriber is not None
    assert held.subscriber.state is SubscriberState.LEFT
    assert held.suppression is not None
    assert held.suppression.since == NOW - timedelta(days=90)
    other = store.people.show(reader(3), NOW).suppression
    assert other is not None
    assert other.reason is SuppressionReason.COMPLAINT


def test_a_mark_without_an_address_keeps_out_who_was_erased(store: Store) -> None:
    mark = store.people.mark(reader(), NOW)
    store.people.shut_out([Unwanted(address=None, mark=mark, reason=SuppressionReason.UNSUBSCRIBED)], AUTHOR)
    assert store.people.take_in(newcomers(17), FORM).suppressed == 1


def test_a_batch_of_nobody_is_nothing(store: Store) -> None:
    assert store.people.take_in([], FORM) == store.people.shut_out([], FORM)
