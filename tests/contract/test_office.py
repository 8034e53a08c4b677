"""The office: who signs up is asked once, who confirms is welcomed once, whatever breaks meanwhile."""

from __future__ import annotations

import asyncio
import email
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.policy import default
from itertools import count
from pathlib import Path
from threading import Event, Thread
from typing import Any

import audience
import pytest
import sqlalchemy as sa
from program import environment

from digest import mailing
from digest.bounces import Kind
from digest.model import (
    PREFERENCES_URL,
    UNSUBSCRIBE_URL,
    ConsentAct,
    DeliveryState,
    Email,
    IssueState,
    Notice,
    NoticeKind,
    SubscriberState,
    SuppressionReason,
)
from digest.office import Office, once
from digest.office.desk import CONNECTIONS
from digest.settings import Settings, load
from digest.store import Store, issue_hash, schema
from digest.store.database import reading, writing
from digest.store.fence import Fence
from digest.store.people import Act, Side
from digest.store.people import Result as Did
from digest.store.service_mails import ServiceMails
from digest.store.sign_ups import Caps, Form
from digest.subscribers import tokens
from digest.subscribers.addresses import read_address
from digest.subscribers.tokens import Purpose
from digest.testing.server import Fault, MailServer, Message, Then

NOW = datetime(2026, 11, 5, 19, 0, tzinfo=UTC)
READER = "reader-17@example.org"
SETTINGS = """\
[site]
title = "Remission Weekly"
url = "https://remission.example.org"
id_host = "remission.example.org"

[newsletter]
sender = "Remission Weekly <weekly@remission.example.org>"
postal_address = "1 Example Street, London"
welcome = "latest issue"

[delivery]
transport = "smtp"
return_path = "bounces@remission.example.org"
smtp = {{ host = "127.0.0.1", port = {port}, security = "none", command_timeout = "5s" }}

[store]
url = "{url}"
"""
ISSUE = Email(
    subject="Two trials",
    html=f'<p>Both read.</p><a href="{UNSUBSCRIBE_URL}">Leave</a> <a href="{PREFERENCES_URL}">Yours</a>',
    text=f"Both read.\n<{UNSUBSCRIBE_URL}>\n<{PREFERENCES_URL}>\n",
    summary="Both.",
)
LINK = re.compile(r"https://remission\.example\.org/([a-z0-9/-]+)")
BUSY = b"451 4.3.0 Come again\r\n"
GONE = b"550 5.1.1 No such mailbox\r\n"


@dataclass
class Clock:
    """Stands still until a test moves it."""

    at: datetime = NOW

    def __call__(self) -> datetime:
        return self.at


@dataclass
class Letters:
    """A newsletter with its store, and the mail server that it knows."""

    root: Path
    store: Store
    url: str
    server: MailServer
    clock: Clock = field(default_factory=Clock)
    told: list[str] = field(default_factory=list)
    forms: Iterator[int] = field(default_factory=count)

    def __post_init__(self) -> None:
        text = SETTINGS.format(port=self.server.port, url=self.url)
        (self.root / "digest.toml").write_text(text, "utf-8")

    @property
    def settings(self) -> Settings:
        return load(self.root, {})

    def sign_up(self, address: str = READER, *, language: str = "en", words: str = "Yes.") -> None:
        form = Form(
            address=read_address(address),
            network="192.0.2.0/24",
            language=language,
            words=words,
            how="form",
            spent=f"proof {next(self.forms)}",
        )
        self.store.sign_ups.take(form, Caps(network=None, domain=None, all=None), self.clock())

    def go(self) -> int:
        """One round of the office; how many mails still wait."""
        return once(self.settings, self.store, self.clock, tell=self.told.append).waiting

    def office(self) -> Office:
        return Office(lambda: self.settings, self.store, self.clock, tell=self.told.append)

    def joined(self, *, welcome: bool = False) -> int:
        """A reader who has signed up and confirmed; their id. What they were sent is forgotten."""
        self.sign_up()
        self.go()
        who = self.holder(Purpose.CONFIRM, self.links(self.server.messages[-1])[0].rpartition("/")[2])
        act = Act(at=self.clock(), how="link in the mail", words="Yes.")
        assert self.store.people.confirm(who, act, by_reader=True, welcome=welcome).done
        self.server.messages.clear()
        return who

    def holder(self, purpose: Purpose, token: str, about: str = "") -> int:
        keys = self.store.people.keys(self.clock()).tokens
        found = tokens.read(keys, purpose, token, now=self.clock(), about=about)
        assert isinstance(found, int)
        return found

    def links(self, message: Message) -> list[str]:
        """The paths below the site that its text leads to."""
        return LINK.findall(text(message))

    def states(self) -> list[str]:
        with reading(self.store.engine) as connection:
            mails = sa.select(schema.service_mail.c.state).order_by(schema.service_mail.c.id)
            return list(connection.scalars(mails))


@pytest.fixture
def letters(store_url: str, tmp_path: Path) -> Iterator[Letters]:
    root = tmp_path / "letter"
    root.mkdir()
    with Store.open(store_url, project=root) as store, MailServer() as server:
        yield Letters(root, store, store_url, server)


def parsed(message: Message) -> EmailMessage:
    made = email.message_from_bytes(message.content, policy=default)
    assert isinstance(made, EmailMessage)
    assert not made.defects
    return made


def part(message: Message, kind: str) -> str:
    found = parsed(message).get_body((kind,))
    assert found is not None
    return str(found.get_content())


def text(message: Message) -> str:
    return part(message, "plain")


def sent_issue(letters: Letters, state: IssueState = IssueState.SENT) -> None:
    audience.approve(
        letters.store,
        7,
        state,
        subject=ISSUE.subject,
        html=ISSUE.html,
        text=ISSUE.text,
        summary=ISSUE.summary,
        hash=issue_hash(ISSUE),
        started_at=NOW - timedelta(days=6),
    )


# ------------------------------------------------------------------------------------------ signing up


def test_a_form_becomes_one_mail_whose_link_makes_a_reader(letters: Letters) -> None:
    letters.sign_up(language="de")
    assert letters.go() == 0
    (message,) = letters.server.messages
    assert (message.sender, message.recipient) == ("bounces@remission.example.org", READER)
    head = parsed(message)
    assert head["Subject"] == "Bitte bestätigen: Remission Weekly per E-Mail"
    assert head["Content-Language"] == "de"
    assert head["Auto-Submitted"] == "auto-generated"
    assert not [name for name in head if name.startswith(("List-", "Precedence"))]
    (path,) = letters.links(message)
    assert part(message, "html").count(path) == 3  # the button, and written out as a link
    who = letters.holder(Purpose.CONFIRM, path.removeprefix("confirm/"))
    act = Act(at=NOW, how="link in the mail")
    assert letters.store.people.confirm(who, act, by_reader=True).done
    letters.clock.at += timedelta(days=7)
    keys = letters.store.people.keys(NOW).tokens
    ended = tokens.read(keys, Purpose.CONFIRM, path.removeprefix("confirm/"), now=letters.clock())
    assert ended is tokens.Refused.ENDED


def test_no_word_that_a_visitor_typed_stands_in_the_mail(letters: Letters) -> None:
    letters.sign_up("visit.evil-shop@example.org", words="Buy at evil-shop")
    letters.go()
    (message,) = letters.server.messages
    typed = [line for line in message.content.split(b"\r\n") if b"evil" in line]
    assert typed == [b"To: visit.evil-shop@example.org"]


def test_whoever_asks_for_how_long_an_address_is_mailed_once_a_day(letters: Letters) -> None:
    for hours in range(26):
        letters.clock.at = NOW + timedelta(hours=hours)
        letters.sign_up()
        letters.go()
    assert letters.server.recipients == [READER] * 2


def test_a_reader_who_signs_up_again_is_led_to_their_page_and_can_leave_from_there(letters: Letters) -> None:
    who = letters.joined()
    letters.clock.at += timedelta(days=2)
    letters.sign_up()
    letters.go()
    (message,) = letters.server.messages
    (path,) = letters.links(message)
    assert letters.holder(Purpose.PREFERENCES, path.removeprefix("reader/")) == who
    ways = str(parsed(message)["List-Unsubscribe"])
    assert letters.holder(Purpose.LEAVE, ways.partition("/leave/")[2].partition(">")[0]) == who
    assert parsed(message)["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


def test_what_bounces_in_the_readers_own_mailbox_is_known_as_theirs_and_counted_with_no_issue(
    letters: Letters,
) -> None:
    who = letters.joined()
    letters.clock.at += timedelta(days=2)
    letters.sign_up()
    letters.go()
    sender = letters.server.messages[0].sender
    token = sender.removeprefix("bounces+0.").partition("@")[0]
    assert letters.store.returns.reader_of(token, 0) == who
    letters.store.returns.bounced(
        key="5eed17",
        reader=who,
        issue=0,
        kind=Kind.PERMANENT,
        status="5.1.1",
        diagnostic="no such mailbox",
        at=letters.clock(),
        now=letters.clock(),
    )
    held = letters.store.people.show(read_address(READER), letters.clock())
    assert [came.issue for came in held.bounces] == [None]
    assert held.suppression is not None


# --------------------------------------------------------------------------------------- a new address


def test_both_mailboxes_are_asked_and_the_old_one_alone_sees_the_new_address(letters: Letters) -> None:
    """The one address that somebody typed and that is shown: whoever gives a mailbox up must see for what."""
    who = letters.joined()
    new = read_address("reader-99@example.org")
    assert letters.store.people.ask_to_change(who, new, Act(at=NOW, how="page")).done
    letters.go()
    asked = {message.recipient: message for message in letters.server.messages}
    assert sorted(asked) == [READER, new.shown]
    assert new.shown in text(asked[READER])
    assert READER not in text(asked[new.shown])
    assert asked[new.shown].sender == "bounces@remission.example.org"  # says nothing of the reader
    assert not [name for message in asked.values() for name in parsed(message) if name.startswith("List-")]
    for address, side in ((READER, Side.OLD), (new.shown, Side.NEW)):
        (path,) = letters.links(asked[address])
        number, named, token = path.removeprefix("change/").split("-")
        assert named == side.value
        assert letters.holder(Purpose.CHANGE_ADDRESS, token, f"{number} {side.value}") == who
        answer, change = letters.store.people.confirm_change(who, int(number), side, Act(at=NOW, how="link"))
        assert answer.result is Did.DONE
    assert change is not None
    assert change.done
    token = asked[READER].sender.removeprefix("bounces+0.").partition("@")[0]
    assert letters.store.returns.of_former_mailbox(who, token, 0, ())


def test_a_mail_to_the_new_mailbox_comes_back_as_the_new_ones(letters: Letters) -> None:
    who, new = letters.joined(), read_address("reader-99@example.org")
    page = Act(at=NOW, how="page")
    assert letters.store.people.ask_to_change(who, new, page).done
    change = letters.store.people.show(who, NOW).change
    assert change
    for side in Side:
        letters.store.people.confirm_change(who, change.id, side, page)
    letters.clock.at += timedelta(days=2)
    letters.sign_up(new.shown)
    letters.go()
    (mail,) = [one for one in letters.server.messages if one.recipient == new.shown and "+0." in one.sender]
    token = mail.sender.removeprefix("bounces+0.").partition("@")[0]
    assert letters.store.returns.reader_of(token, 0) == who
    assert not letters.store.returns.of_former_mailbox(who, token, 0, ())


# ------------------------------------------------------------------------------------------- the welcome


def test_the_welcome_is_the_latest_issue_with_the_readers_own_links_and_counts_nowhere(
    letters: Letters,
) -> None:
    sent_issue(letters)
    before = letters.store.sending.accounting(7)
    who = letters.joined(welcome=True)
    letters.go()
    (message,) = letters.server.messages
    head = parsed(message)
    assert head["Subject"] == "Two trials"
    assert head["Feedback-ID"].split(":")[2] == "welcome"
    assert head["Date"].datetime == NOW
    leave, own = letters.links(message)
    assert letters.holder(Purpose.LEAVE, leave.removeprefix("leave/")) == who
    assert letters.holder(Purpose.PREFERENCES, own.removeprefix("reader/")) == who
    of_the_issue = mailing.message_ids(letters.settings, letters.store, 7, NOW)(who)
    assert head["Message-ID"] != f"<{of_the_issue}>"
    assert message.sender.startswith("bounces+0.")
    assert letters.store.sending.accounting(7) == before
    letters.clock.at += timedelta(days=40)
    assert letters.go() == 0
    assert len(letters.server.messages) == 1


def test_an_issue_that_its_author_holds_welcomes_nobody_until_it_goes_on(letters: Letters) -> None:
    sent_issue(letters)
    letters.joined(welcome=True)
    with letters.store.engine.execution_options(digest_writes=True).begin() as connection:
        connection.execute(sa.update(schema.issue).values(state="held"))
    assert letters.go() == 1
    with letters.store.engine.execution_options(digest_writes=True).begin() as connection:
        connection.execute(sa.update(schema.issue).values(state="sent"))
    letters.clock.at += timedelta(minutes=2)
    assert letters.go() == 0
    assert letters.server.recipients == [READER]


def test_bytes_that_nobody_approved_welcome_nobody(letters: Letters) -> None:
    sent_issue(letters)
    letters.joined(welcome=True)
    with letters.store.engine.execution_options(digest_writes=True).begin() as connection:
        connection.execute(sa.update(schema.issue).values(text="Changed.\n"))
    assert letters.go() == 1
    assert letters.server.messages == []


@pytest.mark.parametrize("act", ["leave", "erase", "suppress", "pause"])
def test_who_has_left_meanwhile_is_not_mailed(letters: Letters, act: str) -> None:
    sent_issue(letters)
    who, page = letters.joined(welcome=True), Act(at=NOW, how="page")
    people = letters.store.people
    match act:
        case "leave":
            people.leave(who, page)
        case "erase":
            people.erase(who, page)
        case "suppress":
            people.suppress(who, SuppressionReason.COMPLAINT, page)
        case _:
            people.pause(who, NOW + timedelta(days=30), page)
    assert letters.go() == 0
    assert letters.server.messages == []


# --------------------------------------------------------------------------------- what servers say


def test_a_server_that_asks_for_patience_gets_the_very_same_mail_later(letters: Letters) -> None:
    letters.server.faults = [Fault(at="dot", say=BUSY, keep=True, times=2)]
    letters.sign_up()
    assert letters.go() == 1
    assert letters.go() == 1  # not before its time
    assert len(letters.server.messages) == 1
    for minutes in (2, 10):
        letters.clock.at += timedelta(minutes=minutes)
        letters.go()
    first, second, third = letters.server.messages
    assert first.content == second.content == third.content
    assert letters.states() == ["accepted"]


def test_after_a_day_of_trying_it_is_given_up(letters: Letters) -> None:
    letters.server.faults = [Fault(at="rcpt", say=BUSY, times=0)]
    letters.sign_up()
    tries = 0
    while letters.go() and tries < 40:
        letters.clock.at += timedelta(hours=5)
        tries += 1
    assert letters.states() == ["refused"]
    assert 5 < tries < 15


def test_a_mailbox_that_is_not_there_leaves_who_signed_up_pending(letters: Letters) -> None:
    letters.server.faults = [Fault(at="rcpt", say=GONE)]
    letters.sign_up()
    assert letters.go() == 0
    assert letters.states() == ["refused"]
    held = letters.store.people.show(read_address(READER), NOW)
    assert held.subscriber is not None
    assert held.subscriber.state is SubscriberState.PENDING
    assert held.suppression is None
    assert [line.act for line in held.consents] == [ConsentAct.SIGNED_UP]


def test_a_line_that_is_cut_behind_the_dot_is_uncertain_and_nothing_is_sent_again(letters: Letters) -> None:
    letters.server.faults = [Fault(at="dot", say=b"", then=Then.RESET, keep=True)]
    letters.sign_up()
    assert letters.go() == 0
    letters.clock.at += timedelta(hours=1)
    letters.go()
    assert letters.states() == ["uncertain"]
    assert len(letters.server.messages) == 1


def test_a_server_that_is_away_is_told_once_and_once_more_when_it_is_back(letters: Letters) -> None:
    port = letters.server.port
    letters.server.stop()
    letters.sign_up()

    with working(letters) as office:
        until(lambda: letters.told)
        time.sleep(1.5)
        assert len(letters.told) == 1
        assert "@" not in letters.told[0]
        letters.server = MailServer(port=port).start()
        try:
            office.wake()
            until(lambda: len(letters.told) == 2, 20)
        finally:
            letters.server.stop()
    assert letters.told[0].startswith("mails that answer readers wait: the mail server: ")
    assert letters.told[1] == "mails that answer readers go on"
    assert letters.server.recipients == [READER]


def test_a_mistake_in_the_settings_is_told_and_nothing_is_lost(letters: Letters) -> None:
    own = letters.root / "templates/email"
    own.mkdir(parents=True)
    (own / "service.txt").write_text("{{ nobody_knows_this }}", "utf-8")
    letters.sign_up()
    assert letters.go() == 1
    assert "templates/email/service.txt" in letters.told[0]
    shutil.rmtree(letters.root / "templates")
    assert letters.go() == 0
    assert letters.server.recipients == [READER]


def test_a_notice_goes_once_what_it_tells_of_is_over(letters: Letters) -> None:
    def notices() -> set[str]:
        return {it.kind for it in letters.store.notices.open()}

    both = {NoticeKind.PROXY, NoticeKind.SIGN_UPS}
    for kind in both:
        letters.store.notices.add(Notice(kind=kind, says="It is so", cure="mend it", at=NOW))
    letters.go()
    assert notices() == both
    letters.clock.at = NOW + timedelta(days=1, minutes=1)
    letters.go()
    assert notices() == {NoticeKind.PROXY}
    with (letters.root / "digest.toml").open("a") as file:
        file.write('\n[web]\nproxies = ["127.0.0.1"]\n')
    letters.go()
    assert notices() == set()


# -------------------------------------------------------------------------- kills, copies and two at once

KILLED = """
import sys
from datetime import datetime
from pathlib import Path
from digest.office import once
from digest.settings import load
from digest.store import Store

root = Path(sys.argv[1])
settings = load(root, {})
with Store.open(settings.store_url, project=root) as store:
    print("ready", flush=True)
    once(settings, store, lambda: datetime.fromisoformat(sys.argv[2]))
"""


def test_a_kill_between_body_and_answer_is_uncertain_and_never_sent_again(letters: Letters) -> None:
    letters.server.faults = [Fault(at="dot", wait=3)]
    letters.sign_up()
    command = [sys.executable, "-c", KILLED, str(letters.root), NOW.isoformat()]
    program = subprocess.Popen(command, env=environment(), stdout=subprocess.DEVNULL)
    try:
        until(lambda: letters.server.commands[-1:] == [b"DATA"], 30)
        until(lambda: letters.states() == ["submitting"])
    finally:
        os.kill(program.pid, signal.SIGKILL)
        program.wait()
    letters.server.faults = []
    letters.server.messages.clear()
    for minutes in (1, 25, 60):
        letters.clock.at = NOW + timedelta(minutes=minutes)
        letters.go()
    assert letters.states() == ["uncertain"]
    assert letters.server.messages == []


def test_kills_at_any_moment_double_nothing_and_leave_one_mail_a_connection_uncertain(
    letters: Letters, long: bool
) -> None:
    dice = random.Random(17)
    letters.server.faults = [Fault(at="dot", wait=0.01, times=0)]
    for kill in range(30 if long else 2):
        letters.clock.at = NOW + timedelta(days=kill)
        addresses = [f"reader-{kill}-{number}@example.org" for number in range(20)]
        for address in addresses:
            letters.sign_up(address)
        command = [sys.executable, "-c", KILLED, str(letters.root), letters.clock.at.isoformat()]
        with subprocess.Popen(command, env=environment(), stdout=subprocess.PIPE) as program:
            assert program.stdout is not None
            program.stdout.readline()
            time.sleep(dice.uniform(0.1, 0.7))
            program.kill()
        letters.clock.at += timedelta(minutes=30)
        assert letters.go() == 0
        had = Counter(letters.server.recipients)
        states = Counter(letters.states()[-len(addresses) :])
        assert max(had.values()) == 1
        assert states["accepted"] + states["uncertain"] == len(addresses)
        assert states["uncertain"] <= CONNECTIONS
        assert len(addresses) - states["uncertain"] <= len(had.keys() & set(addresses))


def test_two_offices_on_one_store_send_each_mail_once(letters: Letters) -> None:
    addresses = [f"reader-{number}@example.org" for number in range(1, 13)]
    with Store.open(letters.url, project=letters.root) as other:
        twin = Letters(letters.root, other, letters.url, letters.server)
        with working(letters) as one, working(twin) as two:
            for address in addresses:
                letters.sign_up(address)
                one.wake()
                two.wake()
            until(lambda: letters.states().count("accepted") == len(addresses), 30)
    assert sorted(letters.server.recipients) == sorted(addresses)
    assert [*letters.told, *twin.told] == []


def test_a_store_that_is_not_at_home_sends_nothing_and_says_so_once(letters: Letters) -> None:
    letters.sign_up()
    letters.store.fence.renew(NOW)
    letters.store.fence = Fence(letters.store.engine, machine="another machine")
    with letters.store.engine.execution_options(digest_writes=True).begin() as connection:
        place = sa.update(schema.fence).where(schema.fence.c.name.not_in(["mark", "touched"]))
        connection.execute(place.values(value="elsewhere"))
    with working(letters) as office:
        until(lambda: letters.told)
        time.sleep(1.3)  # then its pause is over
        office.wake()
        time.sleep(0.3)
    assert letters.server.messages == []
    assert len(letters.told) == 1
    assert "nothing is sent from here" in letters.told[0]


def test_a_store_that_is_adopted_sends_nothing_that_may_have_left_elsewhere(letters: Letters) -> None:
    letters.sign_up()
    letters.store.sign_ups.settle(NOW)
    with letters.store.engine.execution_options(digest_writes=True).begin() as connection:
        place = sa.update(schema.fence).where(schema.fence.c.name.not_in(["mark", "touched"]))
        connection.execute(place.values(value="elsewhere"))
    letters.store.fence.adopt(NOW)
    assert letters.go() == 0
    assert letters.states() == ["uncertain"]
    assert letters.server.messages == []


# ------------------------------------------------------------------------------------- beside other work


def test_it_is_woken_and_stops_within_seconds(letters: Letters) -> None:
    with working(letters) as office:
        time.sleep(0.3)
        letters.sign_up()
        office.wake()
        until(lambda: letters.server.recipients == [READER], 1.5)
        began = time.monotonic()
    assert time.monotonic() - began < 2
    office.wake()  # harmless when it is over


def test_what_is_on_the_wire_lands_when_it_is_stopped(letters: Letters) -> None:
    letters.server.faults = [Fault(at="dot", wait=1)]
    letters.sign_up()
    with working(letters):
        until(lambda: letters.states() == ["submitting"])
    assert letters.states() == ["accepted"]


def test_whatever_ails_the_store_the_office_waits_and_goes_on(letters: Letters) -> None:
    there, away = (
        sa.text(f"ALTER TABLE {a} RENAME TO {b}") for a, b in (("gone", "sign_up"), ("sign_up", "gone"))
    )
    letters.sign_up()
    changing = letters.store.engine.execution_options(digest_writes=True, digest_changes_tables=True)
    with changing.begin() as connection:
        connection.execute(away)
    with working(letters) as office:
        until(lambda: letters.told)
        with changing.begin() as connection:
            connection.execute(there)
        office.wake()
        until(lambda: letters.server.recipients == [READER], 20)
    assert letters.told[0].startswith("sign-ups wait: ")
    assert letters.told[1:] == ["sign-ups go on"]


class Stumbling(ServiceMails):
    """Makes a mistake, which is none of the store's, as often as it is told to."""

    intends_badly = settles_badly = 0

    def intend(self, id: int, now: datetime, *, to: str = "") -> bool:
        if self.intends_badly:
            self.intends_badly -= 1
            raise ArithmeticError("reader-17@example.org is no number")
        return super().intend(id, now, to=to)

    def settle(self, *about: Any, **more: Any) -> None:
        if self.settles_badly:
            self.settles_badly -= 1
            raise ArithmeticError("reader-17@example.org is no number")
        super().settle(*about, **more)


def test_a_mistake_before_a_mail_leaves_is_told_and_the_mail_leaves_in_the_next_turn(
    letters: Letters,
) -> None:
    letters.store.service_mails = mails = Stumbling(letters.store.engine)
    mails.intends_badly = 1
    letters.sign_up()
    with working(letters):
        until(lambda: letters.server.recipients == [READER], 20)
    assert letters.told == [
        "mails that answer readers wait: ArithmeticError: (an address) is no number",
        "mails that answer readers go on",
    ]


def test_a_mistake_behind_a_mail_leaves_it_uncertain_and_the_next_one_goes(letters: Letters) -> None:
    letters.store.service_mails = mails = Stumbling(letters.store.engine)
    mails.settles_badly = 1
    letters.sign_up()
    assert letters.go() == 0
    letters.sign_up("reader-18@example.org")
    letters.clock.at += timedelta(minutes=30)
    assert letters.go() == 0
    assert letters.server.recipients == [READER, "reader-18@example.org"]
    assert letters.states() == ["uncertain", "accepted"]
    assert letters.told == ["mails that answer readers wait: ArithmeticError: (an address) is no number"]


def test_a_mistake_that_stays_does_not_keep_the_office_from_stopping(letters: Letters) -> None:
    letters.store.service_mails = mails = Stumbling(letters.store.engine)
    mails.intends_badly = 1000
    letters.sign_up()
    with working(letters):
        until(lambda: letters.told)
        began = time.monotonic()
    assert time.monotonic() - began < 5
    assert letters.states() == ["queued"]


def test_a_form_that_cannot_be_used_is_told_and_holds_nobody_up(letters: Letters) -> None:
    letters.sign_up("reader-18@example.org")
    with writing(letters.store.engine) as connection:
        connection.execute(sa.update(schema.sign_up).values(address="reader 18 at example.org"))
    letters.sign_up()
    assert letters.go() == 0
    assert letters.server.recipients == [READER]
    assert letters.told == ["a form to sign up is set aside, for it cannot be used: its address is none"]
    with reading(letters.store.engine) as connection:
        forms = connection.execute(sa.select(schema.sign_up.c.settled, schema.sign_up.c.address))
        assert [tuple(form) for form in forms] == [(1, ""), (1, "")]


def test_pages_are_served_while_it_waits_for_the_store(letters: Letters) -> None:
    """Nothing else in its event loop is held up by a store that somebody else keeps for two seconds."""
    for number in range(1, 4):
        letters.sign_up(f"reader-{number}@example.org")
    held = Event()

    def hold() -> None:
        with writing(letters.store.engine) as connection:
            connection.execute(sa.update(schema.sign_up).values(settled=schema.sign_up.c.settled))
            held.set()
            time.sleep(2)

    async def beside() -> tuple[float, float]:
        stop, longest = asyncio.Event(), 0.0
        began = last = time.monotonic()
        work = asyncio.create_task(letters.office().work(stop))
        while len(letters.server.messages) < 3:
            await asyncio.sleep(0.01)
            longest, last = max(longest, time.monotonic() - last), time.monotonic()
        stop.set()
        await work
        return longest, last - began

    keeper = Thread(target=hold)
    keeper.start()
    held.wait()
    longest, took = asyncio.run(beside())
    keeper.join()
    assert took > 1
    assert longest < 1


def test_the_folder_gets_them_as_files(letters: Letters) -> None:
    settings = SETTINGS.replace('transport = "smtp"', 'transport = "folder"')
    text = settings.format(port=1, url=letters.url)
    (letters.root / "digest.toml").write_text(text, "utf-8")
    letters.sign_up()
    assert once(load(letters.root, {}), letters.store, letters.clock).waiting == 0
    (file,) = (letters.root / "outbox").glob("*.eml")
    assert file.name.startswith("confirm.")
    assert file.name.endswith("@remission.example.org.eml")
    assert letters.states() == [DeliveryState.ACCEPTED.value]


@contextmanager
def working(letters: Letters) -> Iterator[Office]:
    """The office at work in a thread of its own."""
    office, stop = letters.office(), asyncio.Event()
    loop = asyncio.new_event_loop()
    failed: list[BaseException] = []

    def run() -> None:
        try:
            loop.run_until_complete(office.work(stop))
        except BaseException as error:
            failed.append(error)

    thread = Thread(target=run)
    thread.start()
    try:
        yield office
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(40)
        assert not thread.is_alive()
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()
    assert not failed, failed


def until(so: Callable[[], object], seconds: float = 10) -> None:
    """Waits until it is so."""
    ends = time.monotonic() + seconds
    while not so():
        assert time.monotonic() < ends
        time.sleep(0.05)
