"""What returned mail does to readers in the store, on both databases: by their own tokens, and once."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from audience import EMAIL, approve
from builders import newsletter
from returned import NAMES, READER, TOKEN, message

from digest.bounces import Effect, Kind
from digest.compose import Mould
from digest.incoming import Incoming, Report, marks, read_returns
from digest.mailing import Addressing
from digest.model import (
    PREFERENCES_URL,
    UNSUBSCRIBE_URL,
    CameBack,
    ConsentAct,
    DeliveryState,
    Letter,
    Site,
    Stage,
    SubscriberState,
    Suppression,
    SuppressionReason,
)
from digest.store import Store, schema
from digest.store.commits import Batch, Settled, open_commits
from digest.store.people import Act, Held, Side
from digest.store.sending import Chunk
from digest.subscribers.addresses import Address, read_address
from digest.subscribers.tokens import Purpose, make

NOW = datetime(2026, 11, 14, 9, 0, tzinfo=UTC)
BEFORE = NOW - timedelta(days=90)
AUTHOR = Act(at=BEFORE, how="command line")
SEVENTEEN = read_address(READER)
GONE, FULL, SPAM, LEAVE = "postfix-user-unknown", "postfix-mailbox-full", "arf-yahoo", "leave-subject"
BARE = "postfix-to-postmaster-anonymous"


@pytest.fixture
def store(store_url: str, tmp_path: Path) -> Iterator[Store]:
    """Readers 16 to 18 are confirmed, and issue 7 waits for each of them."""
    with Store.open(store_url, project=tmp_path) as store:
        for number in (16, 17, 18):
            assert store.people.add(read_address(f"reader-{number}@example.org"), AUTHOR, confirmed=True).done
        approve(store, 7)
        store.sending.begin(7, BEFORE)
        yield store


def id_of(store: Store, address: str = READER) -> int:
    found = store.people.find(read_address(address), NOW)
    assert found
    return found.subscriber.id


def signed(store: Store, content: bytes) -> bytes:
    """The message with this store's tokens: of reader 17 and issue 7 in return paths, else one to leave."""
    keys, reader = store.people.keys(NOW).tokens, id_of(store)
    path = make(keys, Purpose.BOUNCE, reader, about="7")
    content = re.sub(rb"(bounces\+7\.)" + TOKEN.encode(), rb"\g<1>" + path.encode(), content)
    return content.replace(TOKEN.encode(), make(keys, Purpose.LEAVE, reader).encode())


def arriving(*contents: bytes) -> Iterator[Incoming]:
    for number, content in enumerate(contents, start=1):
        yield Incoming(name=f"message {number}", content=content, done=lambda _: None)


def reading(store: Store, *contents: bytes, now: datetime = NOW) -> Report:
    own = marks(
        newsletter(leave_by_mail="leave@remission.example.org"), store.people.keys(now), store.returns.moves
    )
    return read_returns((one for one in arriving(*contents)), store.returns, own, now=now)


def read(store: Store, *names: str) -> Report:
    return reading(store, *(signed(store, message(name)) for name in names))


def on(store: Store, day: str) -> bytes:
    """A full mailbox, on that day of 2026."""
    content = signed(store, message(FULL))
    return content.replace(b"Fri, 13 Nov 2026 07:00:31", f"Fri, {day} 2026 07:00:31".encode())


def held(store: Store) -> Held:
    return store.people.show(SEVENTEEN, NOW)


def barred(store: Store) -> Suppression:
    found = held(store).suppression
    assert found
    return found


def waiting(store: Store) -> int:
    """How many letters of issue 7 still wait."""
    return store.sending.accounting(7).waiting


# ---------------------------------------------------------------------------------------- what is done


@pytest.mark.parametrize(
    ("name", "why", "act"),
    [
        (GONE, SuppressionReason.HARD_BOUNCE, ConsentAct.SUPPRESSED),
        (SPAM, SuppressionReason.COMPLAINT, ConsentAct.SUPPRESSED),
        ("outlook-jmrp", SuppressionReason.COMPLAINT, ConsentAct.SUPPRESSED),
        ("arf-unsubscribe-mark", SuppressionReason.COMPLAINT, ConsentAct.SUPPRESSED),
        (LEAVE, SuppressionReason.UNSUBSCRIBED, ConsentAct.LEFT),
        ("leave-address", SuppressionReason.UNSUBSCRIBED, ConsentAct.LEFT),
    ],
)
def test_who_is_gone_complains_or_leaves_is_skipped_from_that_second(
    store: Store, name: str, why: SuppressionReason, act: ConsentAct
) -> None:
    assert waiting(store) == 3
    report = read(store, name)
    assert (report.suppressed, report.unplaced, barred(store).reason) == (1, (), why)
    assert (waiting(store), store.sending.accounting(7).suppressed) == (2, 1)
    assert store.people.census(NOW).mailed == 2
    line = held(store).consents[-1]
    assert (line.act, line.at) == (act, NOW)


@pytest.mark.parametrize(
    "name", ["vacation-rfc3834", "gmail-4.2.2-delayed", "arf-not-spam", "read-receipt", "human-reply", "spam"]
)
def test_absences_delays_praise_and_people_leave_no_trace(store: Store, name: str) -> None:
    before = held(store)
    read(store, name)
    assert held(store) == before


@pytest.mark.parametrize("name", [FULL, "outlook-5.7.515"])
def test_a_full_mailbox_and_a_rule_are_noted_and_the_reader_is_mailed_on(store: Store, name: str) -> None:
    assert read(store, name).suppressed == 0
    assert (held(store).suppression, waiting(store), len(held(store).bounces)) == (None, 3, 1)


def test_the_same_message_counts_once_however_often_it_is_read(store: Store) -> None:
    read(store, *NAMES)
    before = held(store)
    report = read(store, *NAMES)
    acted = (Kind.PERMANENT, Kind.TRANSIENT, Kind.REFUSED, Kind.COMPLAINT, Kind.LEAVE)
    of_seventeen = sum(report.counts[kind] for kind in acted) - len(report.unplaced)
    assert (report.known, report.suppressed) == (of_seventeen, 0)
    assert held(store) == before
    assert store.people.census(NOW).mailed == 2


def test_one_message_read_by_two_at_the_same_moment_counts_once(store: Store) -> None:
    content, found = signed(store, message(GONE)), list[Report]()
    both = threading.Barrier(2)

    def at_once() -> None:
        both.wait()
        found.append(reading(store, content))

    readers = [threading.Thread(target=at_once) for _ in range(2)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    assert sorted((report.suppressed, report.known) for report in found) == [(0, 1), (1, 0)]
    assert [came.kind for came in held(store).bounces] == [CameBack.PERMANENT]


def test_a_full_mailbox_is_given_up_after_five_issues_and_counts_anew_once_it_works_again(
    store: Store,
) -> None:
    weekly = [on(store, day) for day in ("16 Oct", "23 Oct", "30 Oct", "06 Nov", "13 Nov")]
    assert reading(store, *weekly[:4]).suppressed == 0
    assert reading(store, weekly[4]).suppressed == 1
    assert barred(store).reason is SuppressionReason.HARD_BOUNCE
    store.people.lift(SEVENTEEN, Act(at=NOW, how="command line"))
    later = NOW + timedelta(days=7)
    assert reading(store, on(store, "20 Nov"), now=later).suppressed == 0
    assert held(store).suppression is None


def test_what_is_graver_stays_whatever_comes_back_later(store: Store) -> None:
    read(store, GONE)
    read(store, LEAVE)
    assert barred(store).reason is SuppressionReason.UNSUBSCRIBED
    assert read(store, SPAM).suppressed == 0
    assert barred(store).reason is SuppressionReason.COMPLAINT
    read(store, "exchange-not-found")
    assert barred(store).reason is SuppressionReason.COMPLAINT
    assert [came.kind for came in held(store).bounces].count(CameBack.PERMANENT) == 2


def test_a_mail_that_asked_to_leave_does_not_end_a_later_subscription(store: Store) -> None:
    read(store, LEAVE)
    left = held(store).subscriber
    assert left
    assert left.state is SubscriberState.LEFT
    form = Act(at=NOW, how="form")
    store.people.add(SEVENTEEN, form, by_reader=True)
    store.people.confirm(SEVENTEEN, form, by_reader=True)
    assert read(store, LEAVE).known == 1
    assert store.people.census(NOW).mailed == 3


# ---------------------------------------------------------------------------------- whose, and who pretends


def test_a_return_path_is_good_for_its_own_issue_alone(store: Store) -> None:
    forged = signed(store, message(GONE)).replace(b"bounces+7.", b"bounces+8.")
    assert b"bounces+8." in forged
    report = reading(store, re.sub(rb"leave%20\w+|leave\+\w+|Message-ID: <7\.\w+", b"x", forged))
    assert report.suppressed == 0
    assert [(came.kind, came.issue) for came in held(store).bounces] == [(CameBack.TRANSIENT, None)]


def test_what_stands_in_a_return_path_lets_nobody_leave_for_the_reader(store: Store) -> None:
    token = make(store.people.keys(NOW).tokens, Purpose.BOUNCE, id_of(store), about="7")
    report = reading(store, f"From: a@example.org\nSubject: leave {token}\n\n".encode())
    assert (report.suppressed, len(report.unplaced)) == (0, 1)


def test_a_bounce_that_only_names_an_address_is_doubted_whatever_its_case(store: Store) -> None:
    report = reading(store, message(BARE).replace(b"reader-17@", b"Reader-17@"))
    assert (report.suppressed, report.unplaced) == (0, ())
    assert [(came.kind, came.issue) for came in held(store).bounces] == [(CameBack.TRANSIENT, None)]


def test_a_bounce_of_somebody_erased_is_nobodys(store: Store) -> None:
    content = signed(store, message(GONE))
    store.people.erase(SEVENTEEN, AUTHOR)
    report = reading(store, content, message(SPAM))
    assert (report.suppressed, len(report.unplaced)) == (0, 2)
    assert held(store).bounces == ()


def test_who_is_erased_between_two_steps_leaves_nothing_behind(store: Store) -> None:
    reader = id_of(store)
    store.people.erase(SEVENTEEN, AUTHOR)
    effect = store.returns.bounced(
        key="one",
        reader=reader,
        issue=7,
        kind=Kind.PERMANENT,
        status="5.1.1",
        diagnostic=f"550 {READER} unknown",
        at=NOW,
        now=NOW,
    )
    assert effect is Effect.COUNTED
    with store.engine.connect() as connection:
        assert connection.execute(sa.select(schema.bounce)).all() == []


@pytest.mark.parametrize("address", ["", "nobody", "reader-99@example.org", "a@b@c", "\x00@example.org"])
def test_an_address_of_nobody_is_nobodys(store: Store, address: str) -> None:
    assert store.returns.reader_by_address(address) is None


def test_mail_to_the_sender_is_an_answer_and_mail_to_the_leave_address_a_wish(store: Store) -> None:
    keys = store.people.keys(NOW)
    token = make(keys.tokens, Purpose.LEAVE, id_of(store))
    without = marks(newsletter(), keys, store.returns.moves).leave
    assert without("weekly@remission.example.org") is None
    assert without(f"Weekly+{token.upper()}@remission.example.org") == token
    assert without("weekly+private@remission.example.org") is None
    own = marks(newsletter(leave_by_mail="leave@remission.example.org"), keys, store.returns.moves).leave
    assert [own("LEAVE@Remission.example.org"), own("leave+x@remission.example.org")] == ["", ""]
    assert own("leave@example.net") is None
    assert marks(None, keys, store.returns.moves).leave("@") is None


def test_another_lists_return_path_in_cc_hides_none_of_ours(store: Store) -> None:
    content = signed(store, message(GONE)).replace(b"Delivered-To:", b"X-Came:")
    report = reading(store, b"Delivered-To: list+2026.archive@example.net\n" + content)
    assert report.suppressed == 1


# ------------------------------------------------------------------------------- from a former mailbox

NEW = read_address("reader-99@example.org")
SITE = Site(title="Remission", url="https://remission.example.org", author="The editors")
RETURNS = "bounces@remission.example.org"
MAIL = replace(
    EMAIL,
    text=f"{UNSUBSCRIBE_URL}\n{PREFERENCES_URL}\n",
    html=f'<a href="{UNSUBSCRIBE_URL}">Leave</a> <a href="{PREFERENCES_URL}">Change</a>',
)


def move(store: Store, old: Address = SEVENTEEN, new: Address = NEW) -> None:
    """A reader changes their address, and both mailboxes say yes."""
    id, page = id_of(store, old.shown), Act(at=NOW, how="page")
    assert store.people.ask_to_change(id, new, page).done
    change = store.people.show(id, NOW).change
    assert change
    for side in Side:
        assert store.people.confirm_change(id, change.id, side, page)[0].done


def returned_to(store: Store, name: str, letter: Letter) -> bytes:
    """The message, with the return path of that letter and no other mark of ours."""
    content = re.sub(rb"bounces\+7\.\w+@remission\.example\.org", letter.sender.encode(), message(name))
    return content.replace(TOKEN.encode(), b"x" * 20)


def letters(store: Store) -> dict[int, Letter]:
    """The letters of issue 7 that wait, by reader's number in the store."""
    chunk = Chunk(issue=7, number=0, token=0)
    mould = Mould(MAIL, SITE, newsletter(), number=7, date=NOW)
    own = Addressing(mould, SITE, newsletter(return_path=RETURNS), store.people.keys(NOW), 7)
    return {one.subscriber: own.letter(one) for one in store.sending.waiting(chunk, NOW)}


@pytest.mark.parametrize("name", [GONE, FULL, SPAM])
def test_what_comes_back_from_a_former_mailbox_says_nothing_about_the_new_one(
    store: Store, name: str
) -> None:
    before = letters(store)[id_of(store)]
    move(store)
    report = reading(store, returned_to(store, name, before))
    assert (report.read, report.suppressed, report.unplaced, report.broken) == (1, 0, (), ())
    shown = store.people.show(NEW, NOW)
    assert (shown.suppression, shown.bounces) == (None, ())


def test_of_two_moves_the_mailbox_between_is_a_former_one_as_well(store: Store) -> None:
    id, last = id_of(store), read_address("reader-98@example.org")
    move(store)
    between = letters(store)[id]
    move(store, NEW, last)
    assert reading(store, returned_to(store, GONE, between)).suppressed == 0
    assert reading(store, returned_to(store, GONE, letters(store)[id])).suppressed == 1


def test_a_return_path_that_claims_a_number_too_large_for_the_store_is_nobodys(store: Store) -> None:
    forged = make([b"another key"], Purpose.BOUNCE, 2**100, about="7")
    path = f"bounces+7.{forged}".encode()
    report = reading(store, re.sub(rb"bounces\+7\.\w+", path, signed(store, message(GONE))))
    assert (report.read, report.broken, report.stopped) == (1, (), None)
    assert store.returns.reader_of(forged, 7) is None


@pytest.mark.parametrize("name", [GONE, SPAM])
def test_what_comes_back_from_the_new_mailbox_ends_it(store: Store, name: str) -> None:
    id = id_of(store)
    move(store)
    assert reading(store, returned_to(store, name, letters(store)[id])).suppressed == 1
    assert store.people.show(NEW, NOW).suppression


def test_where_only_a_token_to_leave_is_left_the_address_named_tells_the_mailbox(store: Store) -> None:
    content = re.sub(rb"bounces\+7\.\w+", b"bounces", signed(store, message(GONE)))
    move(store)
    assert reading(store, content).suppressed == 0
    assert reading(store, content.replace(READER.encode(), NEW.shown.encode())).suppressed == 1


def test_a_former_mailbox_still_lets_its_reader_go(store: Store) -> None:
    content = signed(store, message(LEAVE))
    move(store)
    assert reading(store, content).suppressed == 1


def test_a_full_mailbox_that_was_changed_does_not_count_against_the_next(store: Store) -> None:
    reading(store, *(on(store, day) for day in ("09 Oct", "16 Oct", "23 Oct", "30 Oct")))
    id = id_of(store)
    move(store)
    full = returned_to(store, FULL, letters(store)[id])
    full = full.replace(b"Fri, 13 Nov 2026 07:00:31", b"Fri, 20 Nov 2026 07:00:31")
    assert reading(store, full, now=NOW + timedelta(days=7)).suppressed == 0


def test_the_message_id_of_a_letter_is_the_same_after_a_move(store: Store) -> None:
    id = id_of(store)
    before = letters(store)[id]
    move(store)
    after = letters(store)[id]
    assert before.sender != after.sender
    assert message_id_of(before) == message_id_of(after)


def message_id_of(letter: Letter) -> bytes:
    found = re.search(rb"^Message-ID: (\S+)", letter.content(), re.M)
    assert found
    return found[1]


def test_a_refusal_of_the_former_mailbox_at_rcpt_does_not_suppress_the_reader(store: Store) -> None:
    refuse(store, UNKNOWN, UNKNOWN)
    move(store)
    assert store.returns.refused_at_once(7, NOW) == 1
    assert store.people.show(NEW, NOW).suppression is None


# ------------------------------------------------------------------------------------------ the accounting


@pytest.mark.parametrize(
    ("names", "bounced", "complained"),
    [
        ([GONE], 1, 0),
        ([FULL], 1, 0),
        ([FULL, GONE], 1, 0),
        (["outlook-5.7.515"], 0, 0),
        ([SPAM], 0, 1),
        ([LEAVE], 0, 0),
        ([GONE, SPAM], 1, 1),
    ],
)
def test_an_issues_sum_says_how_many_readers_it_came_back_from(
    store: Store, names: list[str], bounced: int, complained: int
) -> None:
    read(store, *names)
    total = store.sending.accounting(7)
    assert (total.bounced, total.complained, total.adds_up) == (bounced, complained, True)


# --------------------------------------------------------------------------------------- refused at RCPT


def refuse(store: Store, *rows: tuple[Stage, int, str, str]) -> None:
    """The readers of issue 7 by place, each refused in that way."""
    settled = [
        Settled(
            issue=7,
            place=place,
            attempts=0,
            counts=True,
            state=DeliveryState.REFUSED,
            stage=stage.value,
            code=code,
            enhanced=enhanced,
            reply=reply,
        )
        for place, (stage, code, enhanced, reply) in enumerate(rows)
    ]

    async def once() -> None:
        commits = await open_commits(store.engine)
        try:
            await commits.commit(7, Batch(settled=settled), NOW)
        finally:
            await commits.close()

    asyncio.run(once())


UNKNOWN = (Stage.RECIPIENT, 550, "5.1.1", "No such user")


def test_a_mailbox_that_is_not_there_suppresses_at_rcpt_already_and_once(store: Store) -> None:
    refuse(store, UNKNOWN, (Stage.RECIPIENT, 550, "", "User unknown"))
    assert store.returns.refused_at_once(7, NOW, [0]) == 1
    assert store.returns.refused_at_once(7, NOW) == 1
    assert store.returns.refused_at_once(7, NOW) == 0
    assert store.people.census(NOW).suppressed[SuppressionReason.HARD_BOUNCE] == 2
    assert barred(store).detail == "550 User unknown"
    assert held(store).consents[-1].how == "mail server: hard bounce"


@pytest.mark.parametrize(
    "said",
    [
        (Stage.RECIPIENT, 550, "5.7.1", "We do not like you"),
        (Stage.RECIPIENT, 552, "5.2.2", "Mailbox full"),
        (Stage.RECIPIENT, 450, "4.1.1", "given up after 9 tries in 48 hours; last answer: unknown user"),
        (Stage.RECIPIENT, 0, "", "not sent: there is no address"),
        (Stage.CONTENT, 550, "5.1.1", "No such user"),
        (Stage.SENDER, 550, "5.1.1", "No such user"),
    ],
)
def test_nothing_else_that_a_server_refuses_ends_a_subscription(
    store: Store, said: tuple[Stage, int, str, str]
) -> None:
    refuse(store, said)
    assert store.returns.refused_at_once(7, NOW) == 0
    assert store.people.census(NOW).mailed == 3


def test_a_refusal_at_rcpt_is_among_the_refused_and_not_counted_as_a_bounce_as_well(store: Store) -> None:
    refuse(store, UNKNOWN, UNKNOWN)
    store.returns.refused_at_once(7, NOW)
    read(store, FULL)
    total = store.sending.accounting(7)
    assert (total.refused, total.bounced, total.waiting) == (2, 0, 1)
    assert {came.kind for came in held(store).bounces} == {CameBack.PERMANENT, CameBack.TRANSIENT}


def test_a_mailbox_that_is_full_at_rcpt_week_after_week_is_given_up(store: Store) -> None:
    refuse(store, *[(Stage.RECIPIENT, 552, "5.2.2", "Mailbox full")] * 2)
    reading(store, *(on(store, day) for day in ("16 Oct", "23 Oct", "30 Oct", "06 Nov")))
    assert store.returns.refused_at_once(7, NOW) == 1
    assert barred(store).reason is SuppressionReason.HARD_BOUNCE


def test_of_an_erased_reader_no_refusal_is_noted(store: Store) -> None:
    refuse(store, UNKNOWN, UNKNOWN)
    store.people.erase(SEVENTEEN, AUTHOR)
    assert store.returns.refused_at_once(7, NOW) == 1
    assert names(store) == ["rcpt 7/0"]


def names(store: Store) -> Sequence[str]:
    with store.engine.connect() as connection:
        return connection.scalars(sa.select(schema.bounce.c.message)).all()
