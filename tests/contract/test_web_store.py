"""What the store promises of readers on the web: forms, the mails that answer them, pauses, new addresses."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import audience
import pytest
import sqlalchemy as sa

from digest.model import (
    ConsentAct,
    DeliveryState,
    IssueState,
    Outcome,
    Result,
    ServiceMail,
    ServiceMailKind,
    Stage,
    SubscriberState,
    SuppressionReason,
)
from digest.store import Store, schema
from digest.store.database import reading
from digest.store.people import Act, Side
from digest.store.people import Result as Did
from digest.store.sign_ups import Caps, Form, Taken
from digest.subscribers.addresses import read_address

NOW = datetime(2026, 11, 5, 19, 0, tzinfo=UTC)
TOMORROW = NOW + timedelta(hours=25)
NO_CAPS = Caps(network=None, domain=None, all=None)
PAGE = Act(at=NOW, how="page")
LINK = Act(at=NOW, how="link in the mail")


@pytest.fixture
def store(store_url: str, tmp_path: Path) -> Iterator[Store]:
    with Store.open(store_url, project=tmp_path) as store:
        yield store


def form(address: str = "reader-17@example.org", *, network: str = "192.0.2.0/24", spent: str = "") -> Form:
    return Form(
        address=read_address(address),
        network=network,
        language="de",
        words="Ja, bitte.",
        how="form",
        spent=spent or f"spent on {address}",
    )


def sign_up(store: Store, address: str = "reader-17@example.org", at: datetime = NOW) -> list[ServiceMail]:
    """A form, settled; the mails that wait then."""
    assert store.sign_ups.take(form(address, spent=f"{address} {at}"), NO_CAPS, at) is Taken.TAKEN
    assert store.sign_ups.settle(at) == 1
    return store.service_mails.waiting(at)


def joined(store: Store, address: str = "reader-17@example.org") -> int:
    sign_up(store, address)
    sent(store)
    answer = store.people.confirm(read_address(address), LINK, by_reader=True)
    assert answer.subscriber is not None
    return answer.subscriber.id


def sent(store: Store, at: datetime = NOW) -> list[ServiceMail]:
    """Every mail that waits and still has its reason, accepted by a mail server."""
    store.service_mails.drop(at)
    mails = [mail for mail in store.service_mails.waiting(at) if store.service_mails.intend(mail.id, at)]
    for mail in mails:
        accepted = Outcome(result=Result.ACCEPTED, stage=Stage.CONTENT, code=250)
        store.service_mails.settle(mail.id, DeliveryState.ACCEPTED, accepted, at)
    return mails


def kinds(mails: list[ServiceMail]) -> list[ServiceMailKind]:
    return [mail.kind for mail in mails]


def lines(store: Store, address: str = "reader-17@example.org") -> list[ConsentAct]:
    return [line.act for line in store.people.show(read_address(address), NOW).consents]


# ------------------------------------------------------------------------------------------ signing up


def test_a_form_becomes_a_pending_reader_and_one_mail_in_their_language(store: Store) -> None:
    (mail,) = sign_up(store)
    assert (mail.kind, mail.address, mail.language) == (
        ServiceMailKind.CONFIRM,
        "reader-17@example.org",
        "de",
    )
    held = store.people.show(read_address("reader-17@example.org"), NOW)
    assert held.subscriber
    assert (held.subscriber.state, held.subscriber.language) == (SubscriberState.PENDING, "de")
    assert [(line.act, line.how, line.words) for line in held.consents] == [
        (ConsentAct.SIGNED_UP, "form", "Ja, bitte.")
    ]


def test_a_form_keeps_no_address_once_it_is_settled_and_no_network_at_all(store: Store) -> None:
    sign_up(store)
    with reading(store.engine) as connection:
        (row,) = connection.execute(sa.select(schema.sign_up)).all()
    assert row.address == ""
    assert not any("192.0.2" in str(value) or "example.org" in str(value) for value in row[:6])


def test_an_address_has_one_mail_in_24_hours_however_often_it_is_typed(store: Store) -> None:
    assert kinds(sign_up(store)) == [ServiceMailKind.CONFIRM]
    for hour in range(1, 24):
        sign_up(store, "READER-17@example.org", NOW + timedelta(hours=hour))
    assert len(store.service_mails.waiting(TOMORROW)) == 1
    assert len(sign_up(store, at=TOMORROW)) == 2


def test_a_reader_who_signs_up_again_is_told_so_and_stays_as_they_are(store: Store) -> None:
    id = joined(store)
    assert kinds(sign_up(store, at=TOMORROW)) == [ServiceMailKind.ALREADY]
    found = store.people.find(id, NOW)
    assert found
    assert found.mailed


@pytest.mark.parametrize("reason", [SuppressionReason.COMPLAINT, SuppressionReason.MANUAL])
def test_who_complained_or_was_shut_out_gets_no_mail_whoever_types_their_address(
    store: Store, reason: SuppressionReason
) -> None:
    store.people.suppress(read_address("reader-17@example.org"), reason, PAGE)
    assert sign_up(store) == []


def test_who_left_comes_back_by_signing_up_and_confirming(store: Store) -> None:
    id = joined(store)
    store.people.leave(id, PAGE)
    assert kinds(sign_up(store, at=TOMORROW)) == [ServiceMailKind.CONFIRM]
    assert store.people.confirm(id, LINK, by_reader=True).done
    found = store.people.find(id, NOW)
    assert found
    assert found.mailed


def test_a_reader_whose_mailbox_had_bounced_is_mailed_again_once_they_confirm(store: Store) -> None:
    id = joined(store)
    store.people.suppress(id, SuppressionReason.HARD_BOUNCE, PAGE)
    assert kinds(sign_up(store, at=TOMORROW)) == [ServiceMailKind.CONFIRM]
    assert store.people.confirm(id, LINK, by_reader=True).done
    found = store.people.find(id, NOW)
    assert found
    assert found.mailed


def test_a_proof_of_work_counts_once(store: Store) -> None:
    assert store.sign_ups.take(form(spent="one"), NO_CAPS, NOW) is Taken.TAKEN
    assert store.sign_ups.take(form("reader-18@example.org", spent="one"), NO_CAPS, NOW) is Taken.SPENT


def test_forms_are_capped_by_network_by_domain_and_in_all_for_an_hour(store: Store) -> None:
    def taken(number: int, network: int, domain: str, caps: Caps, at: datetime = NOW) -> Taken:
        sent = form(f"reader-{number}@{domain}", network=f"net {network}", spent=f"{number} {at}")
        return store.sign_ups.take(sent, caps, at)

    caps = Caps(network=2, domain=3, all=5)
    assert [taken(n, 1, f"d{n}.example.org", caps) for n in range(3)] == [
        Taken.TAKEN,
        Taken.TAKEN,
        Taken.NETWORK,
    ]
    assert [taken(n, n, "example.org", caps) for n in range(10, 14)][:3] == [Taken.TAKEN] * 3
    assert taken(20, 20, "d20.example.org", caps) is Taken.ALL
    assert taken(21, 21, "example.org", replace(caps, all=None)) is Taken.DOMAIN
    assert taken(22, 1, "d22.example.org", caps, NOW + timedelta(minutes=61)) is Taken.TAKEN


def test_who_never_confirms_is_forgotten_and_who_had_left_has_left_still(store: Store) -> None:
    sign_up(store, "reader-1@example.org")
    left = joined(store, "reader-2@example.org")
    store.people.leave(left, PAGE)
    sign_up(store, "reader-2@example.org", TOMORROW)
    confirmed = joined(store, "reader-3@example.org")
    added = store.people.add(read_address("reader-4@example.org"), PAGE).subscriber
    assert added
    assert store.sign_ups.sweep(NOW + timedelta(days=7)) == 0
    assert store.sign_ups.sweep(NOW + timedelta(days=10)) == 1
    assert store.people.show(read_address("reader-1@example.org"), NOW).nothing
    states = {
        id: found.subscriber.state
        for id in (left, confirmed, added.id)
        if (found := store.people.find(id, NOW))
    }
    assert states == {
        left: SubscriberState.LEFT,
        confirmed: SubscriberState.CONFIRMED,
        added.id: SubscriberState.PENDING,
    }


def test_nobody_is_forgotten_while_a_link_that_was_mailed_to_them_is_good(store: Store) -> None:
    sign_up(store)
    sent(store)
    again = NOW + timedelta(days=7, hours=22)
    assert kinds(sign_up(store, at=again)) == [ServiceMailKind.CONFIRM]
    assert store.sign_ups.sweep(NOW + timedelta(days=8, hours=1)) == 0
    late = Act(at=NOW + timedelta(days=8, hours=2), how="link in the mail")
    assert store.people.confirm(read_address("reader-17@example.org"), late, by_reader=True).done
    assert store.sign_ups.sweep(NOW + timedelta(days=30)) == 0


def test_who_was_a_reader_once_is_never_forgotten_for_a_form_without_a_click(store: Store) -> None:
    id = joined(store)
    store.people.leave(id, PAGE)
    store.people.lift(id, PAGE)
    sign_up(store, at=TOMORROW)
    assert store.sign_ups.sweep(NOW + timedelta(days=30)) == 0
    found = store.people.find(id, NOW)
    assert found
    assert found.subscriber.state is SubscriberState.LEFT
    assert ConsentAct.CONFIRMED in lines(store)


# ------------------------------------------------------------------------------------------- the mails


def test_a_mail_leaves_once_whoever_asks(store: Store) -> None:
    (mail,) = sign_up(store)
    assert store.service_mails.intend(mail.id, NOW)
    assert not store.service_mails.intend(mail.id, NOW)
    assert store.service_mails.waiting(NOW) == []


def test_what_a_crash_leaves_on_the_wire_is_uncertain_and_never_sent_again(store: Store) -> None:
    (mail,) = sign_up(store)
    store.service_mails.intend(mail.id, NOW)
    assert store.service_mails.take_stock(NOW + timedelta(minutes=5)) == 0
    assert store.service_mails.take_stock(NOW + timedelta(minutes=21)) == 1
    assert store.service_mails.waiting(TOMORROW) == []


def test_a_mail_whose_reason_is_gone_does_not_leave(store: Store) -> None:
    audience.approve(store, 1, IssueState.SENT)
    sign_up(store)
    sent(store)
    answer = store.people.confirm(read_address("reader-17@example.org"), LINK, by_reader=True, welcome=True)
    assert answer.subscriber
    (welcome,) = store.service_mails.waiting(NOW)
    store.people.leave(answer.subscriber.id, PAGE)
    assert not store.service_mails.intend(welcome.id, NOW)
    assert store.service_mails.drop(NOW) == 1
    assert store.service_mails.waiting(TOMORROW) == []


def test_who_was_confirmed_by_the_author_meanwhile_is_not_asked_any_more(store: Store) -> None:
    (mail,) = sign_up(store)
    store.people.confirm(read_address(mail.address), PAGE)
    assert not store.service_mails.intend(mail.id, NOW)
    assert store.service_mails.drop(NOW) == 1


def test_a_change_that_was_taken_back_mails_nobody(store: Store) -> None:
    id = joined(store)
    store.people.ask_to_change(id, read_address("reader-99@example.org"), PAGE)
    first = store.service_mails.waiting(NOW)
    assert sorted(mail.new_address for mail in first) == ["reader-99@example.org"] * 2
    store.people.suppress(read_address("reader-99@example.org"), SuppressionReason.COMPLAINT, PAGE)
    assert [store.service_mails.intend(mail.id, NOW) for mail in first] == [False, False]


def test_a_mail_goes_to_the_address_that_it_was_written_to_or_nowhere(store: Store) -> None:
    (mail,) = sign_up(store)
    assert not store.service_mails.intend(mail.id, NOW, to="reader-18@example.org")
    assert store.service_mails.intend(mail.id, NOW, to=mail.address)


def test_a_mail_that_is_put_off_waits_until_its_time(store: Store) -> None:
    (mail,) = sign_up(store)
    busy = Outcome(result=Result.TRY_LATER, stage=Stage.RECIPIENT, code=451, text="later")
    later = NOW + timedelta(minutes=5)
    store.service_mails.settle(mail.id, DeliveryState.QUEUED, busy, NOW, next_at=later, intended=False)
    assert store.service_mails.waiting(NOW) == []
    (again,) = store.service_mails.waiting(later)
    assert again.attempts == 1


def test_a_new_reader_gets_the_latest_issue_once_and_nobody_else_does(store: Store) -> None:
    audience.approve(store, 1, IssueState.SENT)
    sign_up(store)
    sent(store)
    answer = store.people.confirm(read_address("reader-17@example.org"), LINK, by_reader=True, welcome=True)
    assert answer.welcome == 1
    assert answer.subscriber
    assert [(mail.kind, mail.issue) for mail in sent(store)][-1] == (ServiceMailKind.WELCOME, 1)
    store.people.leave(answer.subscriber.id, PAGE)
    sign_up(store, at=TOMORROW)
    again = store.people.confirm(answer.subscriber.id, LINK, by_reader=True, welcome=True)
    assert again.done
    assert again.welcome is None


def test_erasing_takes_forms_mails_and_changes_along(store: Store) -> None:
    id = joined(store)
    store.people.ask_to_change(id, read_address("reader-99@example.org"), PAGE)
    sign_up(store, at=TOMORROW)
    assert store.people.erase(id, PAGE).done
    with reading(store.engine) as connection:
        for table in (schema.sign_up, schema.address_change):
            assert connection.execute(sa.select(table)).all() == []
        for row in connection.execute(sa.select(schema.service_mail)):
            assert (row.subscriber, row.language, row.change, row.reply) == (0, "", None, None)
    assert store.service_mails.waiting(TOMORROW) == []
    store.sign_ups.sweep(TOMORROW + timedelta(days=2))
    with reading(store.engine) as connection:
        assert connection.execute(sa.select(schema.service_mail)).all() == []


def test_nobody_has_an_address_mailed_twice_in_a_day_by_erasing_who_asked_for_it(store: Store) -> None:
    for number in range(3):
        id = joined(store, f"reader-{number}@example.org")
        store.people.ask_to_change(id, NEW, PAGE)
        mails = sent(store)
        assert store.people.erase(id, PAGE).done
        assert [mail.address for mail in mails].count(NEW.shown) == (number == 0)
    assert sign_up(store, NEW.shown) == []


def test_a_mailbox_has_one_mail_a_day_whatever_stands_behind_a_plus_sign(store: Store) -> None:
    assert len(sign_up(store, "reader-17@example.org")) == 1
    for tag in range(5):
        assert len(sign_up(store, f"reader-17+{tag}@example.org")) == 1
    assert len(sign_up(store, "reader-17+1@example.net")) == 2
    assert len(sign_up(store, "reader.17@gmail.com")) == 3
    assert len(sign_up(store, "re.ader17+a@googlemail.com")) == 3
    assert len(sign_up(store, "reader-17+1@example.org", TOMORROW)) == 4


# --------------------------------------------------------------------------------------------- pausing


def test_an_issue_skips_who_has_paused_says_so_and_the_sum_adds_up(store: Store) -> None:
    paused, other = joined(store), joined(store, "reader-18@example.org")
    until = NOW + timedelta(weeks=4)
    assert store.people.pause(paused, until, PAGE).done
    assert store.people.census(NOW).mailed == 1
    assert store.people.census(until).mailed == 2
    audience.approve(store, 1)
    store.sending.begin(1, NOW)
    sum = store.sending.accounting(1)
    assert (sum.candidates, sum.waiting, sum.suppressed, sum.adds_up) == (2, 1, 1, True)
    (received,) = store.people.show(paused, NOW).issues
    assert received.paused
    (received,) = store.people.show(other, NOW).issues
    assert not received.paused
    audience.approve(store, 2)
    store.sending.begin(2, until)
    assert store.sending.accounting(2).waiting == 2


def test_who_pauses_while_an_issue_goes_out_is_skipped_from_that_second(store: Store) -> None:
    id = joined(store)
    audience.approve(store, 1)
    store.sending.begin(1, NOW)
    store.people.pause(id, NOW + timedelta(weeks=4), PAGE)
    assert store.sending.accounting(1).suppressed == 1


def test_a_pause_can_be_ended_early_and_each_act_leaves_its_line(store: Store) -> None:
    id = joined(store)
    until = NOW + timedelta(weeks=4)
    assert store.people.pause(id, until, PAGE).done
    assert store.people.pause(id, until, PAGE).result is Did.SO_ALREADY
    assert store.people.pause(id, None, PAGE).done
    assert store.people.pause(id, None, PAGE).result is Did.SO_ALREADY
    assert store.people.census(NOW).mailed == 1
    assert lines(store)[2:] == [ConsentAct.PAUSED, ConsentAct.RESUMED]


def test_who_is_no_reader_cannot_pause(store: Store) -> None:
    sign_up(store)
    address = read_address("reader-17@example.org")
    assert store.people.pause(address, TOMORROW, PAGE).result is Did.BARRED
    assert store.people.pause(4711, TOMORROW, PAGE).result is Did.NOBODY


# ------------------------------------------------------------------------------------------ coming back


def test_leaving_by_mistake_is_taken_back(store: Store) -> None:
    id = joined(store)
    store.people.leave(id, PAGE)
    assert store.people.come_back(id, PAGE).done
    found = store.people.find(id, NOW)
    assert found
    assert found.mailed
    assert lines(store)[-1] is ConsentAct.CAME_BACK
    assert store.people.come_back(id, PAGE).result is Did.SO_ALREADY


def test_who_complained_does_not_come_back_by_a_button(store: Store) -> None:
    id = joined(store)
    store.people.leave(id, PAGE)
    store.people.suppress(id, SuppressionReason.COMPLAINT, PAGE)
    assert store.people.come_back(id, PAGE).result is Did.BARRED


def test_who_never_confirmed_does_not_become_a_reader_by_leaving_and_coming_back(store: Store) -> None:
    sign_up(store)
    id = store.service_mails.waiting(NOW)[0].subscriber
    assert store.people.leave(id, PAGE).done
    assert store.people.come_back(id, PAGE).result is Did.BARRED
    left = joined(store, "reader-18@example.org")
    store.people.leave(left, PAGE)
    sign_up(store, "reader-18@example.org", TOMORROW)
    assert store.people.come_back(left, PAGE).result is Did.BARRED
    found = store.people.find(left, NOW)
    assert found
    assert not found.mailed


# --------------------------------------------------------------------------------------- a new address

NEW = read_address("reader-99@example.org")


def asked(store: Store, id: int) -> int:
    assert store.people.ask_to_change(id, NEW, PAGE).done
    change = store.people.show(id, NOW).change
    assert change
    return change.id


def test_an_address_changes_once_both_mailboxes_have_said_so(store: Store) -> None:
    id = joined(store)
    change = asked(store, id)
    assert {mail.kind: mail.address for mail in sent(store)} == {
        ServiceMailKind.CHANGE_OLD: "reader-17@example.org",
        ServiceMailKind.CHANGE_NEW: "reader-99@example.org",
    }
    first, state = store.people.confirm_change(id, change, Side.NEW, LINK)
    assert first.done
    assert state
    assert not state.done
    assert store.people.confirm_change(id, change, Side.NEW, LINK)[0].result is Did.SO_ALREADY
    second, state = store.people.confirm_change(id, change, Side.OLD, LINK)
    assert second.done
    assert state
    assert state.done
    found = store.people.find(id, NOW)
    assert found
    assert (found.subscriber.address, found.mailed) == ("reader-99@example.org", True)
    assert lines(store, "reader-99@example.org") == [
        ConsentAct.SIGNED_UP,
        ConsentAct.CONFIRMED,
        ConsentAct.CHANGE_ASKED,
        ConsentAct.ADDRESS_CHANGED,
    ]
    assert store.people.show(read_address("reader-17@example.org"), NOW).nothing


def test_a_letter_that_waits_goes_to_the_new_address(store: Store) -> None:
    id = joined(store)
    audience.approve(store, 1)
    store.sending.begin(1, NOW)
    change = asked(store, id)
    for side in Side:
        store.people.confirm_change(id, change, side, LINK)
    with reading(store.engine) as connection:
        assert list(connection.scalars(sa.select(schema.delivery.c.address))) == ["reader-99@example.org"]


def test_a_letter_in_a_workers_hands_goes_where_the_ledger_says_and_the_next_try_to_the_new_address(
    store: Store,
) -> None:
    id = joined(store)
    audience.approve(store, 1)
    store.sending.begin(1, NOW)
    store.sending.enter("one", "here", 1, NOW)
    taken = store.sending.claim("one", 1, NOW)
    assert taken
    change = asked(store, id)
    for side in Side:
        store.people.confirm_change(id, change, side, LINK)
    (in_hand,) = store.sending.waiting(taken, NOW)
    assert (in_hand.address, in_hand.moved) == ("reader-17@example.org", 0)
    assert store.sending.put_back(taken, NOW)
    again = store.sending.claim("one", 1, NOW)
    assert again
    (next_try,) = store.sending.waiting(again, NOW)
    assert (next_try.address, next_try.moved) == ("reader-99@example.org", 1)


def test_one_mailbox_alone_changes_nothing_and_a_link_that_is_too_old_neither(store: Store) -> None:
    id = joined(store)
    change = asked(store, id)
    store.people.confirm_change(id, change, Side.NEW, LINK)
    late = Act(at=NOW + timedelta(days=3), how="link in the mail")
    assert store.people.confirm_change(id, change, Side.OLD, late)[0].result is Did.BARRED
    found = store.people.find(id, NOW)
    assert found
    assert found.subscriber.address == "reader-17@example.org"


def test_an_address_that_is_taken_is_not_mailed_and_the_page_cannot_tell(store: Store) -> None:
    id, other = joined(store), joined(store, "reader-99@example.org")
    assert store.people.ask_to_change(id, NEW, PAGE).done
    assert kinds(store.service_mails.waiting(NOW)) == [ServiceMailKind.CHANGE_OLD]
    change = store.people.show(id, NOW).change
    assert change
    store.people.confirm_change(id, change.id, Side.OLD, LINK)
    assert store.people.confirm_change(id, change.id, Side.NEW, LINK)[0].result is Did.BARRED
    found = store.people.find(other, NOW)
    assert found
    assert found.mailed


def test_a_second_wish_takes_the_place_of_the_first_and_three_a_day_are_enough(store: Store) -> None:
    id = joined(store)
    first = asked(store, id)
    store.people.ask_to_change(id, read_address("reader-98@example.org"), PAGE)
    sent_to = sorted(mail.address for mail in store.service_mails.waiting(NOW))
    assert sent_to == ["reader-17@example.org", "reader-98@example.org"]
    assert store.people.confirm_change(id, first, Side.OLD, LINK)[0].result is Did.BARRED
    assert store.people.ask_to_change(id, read_address("reader-97@example.org"), PAGE).done
    assert store.people.ask_to_change(id, NEW, PAGE).result is Did.BARRED


def test_nobody_confirms_a_change_of_another_reader(store: Store) -> None:
    id, other = joined(store), joined(store, "reader-18@example.org")
    change = asked(store, id)
    answer, seen = store.people.confirm_change(other, change, Side.OLD, LINK)
    assert answer.result is Did.NOBODY
    assert seen is None


def test_who_asks_twice_for_the_same_address_keeps_the_links_that_were_mailed(store: Store) -> None:
    id = joined(store)
    change = asked(store, id)
    for _ in range(5):
        assert store.people.ask_to_change(id, NEW, PAGE).result is Did.SO_ALREADY
    assert len(sent(store)) == 2
    assert store.people.confirm_change(id, change, Side.NEW, LINK)[0].done
    assert lines(store).count(ConsentAct.CHANGE_ASKED) == 1


def test_a_mail_that_was_withdrawn_before_it_left_keeps_no_other_from_leaving(store: Store) -> None:
    id = joined(store)
    asked(store, id)
    store.people.ask_to_change(id, read_address("reader-98@example.org"), PAGE)
    store.people.ask_to_change(id, NEW, PAGE)
    assert [mail.address for mail in sent(store)].count(NEW.shown) == 1


def test_a_step_of_a_change_that_has_lost_its_sense_is_never_said_to_be_done(store: Store) -> None:
    id = joined(store)
    first = asked(store, id)
    assert store.people.confirm_change(id, first, Side.NEW, LINK)[0].done
    store.people.ask_to_change(id, read_address("reader-98@example.org"), PAGE)
    assert store.people.confirm_change(id, first, Side.NEW, LINK)[0].result is Did.BARRED
    second = store.people.show(id, NOW).change
    assert second
    assert store.people.confirm_change(id, second.id, Side.OLD, LINK)[0].done
    joined(store, "reader-98@example.org")
    for _ in range(2):  # the other one was faster, and that does not change by asking again
        assert store.people.confirm_change(id, second.id, Side.NEW, LINK)[0].result is Did.BARRED


@pytest.mark.parametrize("reason", [SuppressionReason.COMPLAINT, SuppressionReason.MANUAL])
def test_who_is_shut_out_gets_around_that_by_no_other_address(
    store: Store, reason: SuppressionReason
) -> None:
    id = joined(store)
    change = asked(store, id)
    assert store.people.confirm_change(id, change, Side.NEW, LINK)[0].done
    store.people.suppress(id, reason, PAGE)
    assert store.people.confirm_change(id, change, Side.OLD, LINK)[0].result is Did.BARRED
    assert store.people.ask_to_change(id, read_address("reader-98@example.org"), PAGE).result is Did.NOBODY


def test_an_export_holds_everything_and_leaves_a_line(store: Store) -> None:
    id = joined(store)
    held = store.people.export(id, PAGE)
    assert held
    assert held.subscriber
    assert held.consents[-1].act is ConsentAct.EXPORTED
    assert store.people.export(4711, PAGE) is None
