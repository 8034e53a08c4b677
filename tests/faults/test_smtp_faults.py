"""Each fault of a mail server is read for what it means, in plain text, behind STARTTLS and in TLS (30 s).

The table stands in `smtp_cases`. Here it is run, together with what needs more than three letters and a
fault: a server that is not there, stopping in the middle, pauses, and what may never be seen.
"""

from __future__ import annotations

import asyncio
import base64
import logging
import socket
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from program import environment
from smtp_cases import EVERYWHERE, HASTY, IN_ONE_MODE, SHORT, Case

from digest.model import Letter, Outcome
from digest.testing.bag import FakeBag, letter, letters
from digest.testing.certificates import authority_file
from digest.testing.server import Fault, MailServer, Then
from digest.testing.sink import Sink, SinkOptions, listen
from digest.transports.smtp import Ahead, Auth, Relay, Security, SmtpOptions

MODES = list(Security)
CASES = [(case, security) for security in MODES for case in [*EVERYWHERE, *IN_ONE_MODE[security]]]


def shown(outcome: Outcome) -> str:
    return " ".join(
        filter(None, (outcome.result.value, str(outcome.code or ""), outcome.enhanced, f"at {outcome.stage}"))
    )


def options_for(server: MailServer, **changes: Any) -> SmtpOptions:
    ordinary = {
        "host": "localhost",
        "port": server.port,
        "security": server.security,
        "ca_file": authority_file(),
        "command_timeout": 15,
        "dot_timeout": 15,
    }
    return SmtpOptions(**{**ordinary, **changes})


async def carried(server: MailServer, bag: FakeBag, **options: Any) -> None:
    relay = Relay(options_for(server, **options), 1, pause=lambda _: 0)
    try:
        await asyncio.wait_for(relay.carry(bag), 30)
    finally:
        await relay.close()


def run(case: Case, security: Security) -> tuple[MailServer, FakeBag]:
    bag = FakeBag.of(case.letters, **{"stops_at_trouble": False, **case.bag})
    with MailServer(security=security, faults=case.faults, **case.server) as server:
        asyncio.run(carried(server, bag, **case.options))
    return server, bag


@pytest.mark.parametrize(
    ("case", "security"), CASES, ids=[f"{security}: {case.name}" for case, security in CASES]
)
def test_each_letter_ends_as_the_servers_answer_means(case: Case, security: Security) -> None:
    server, bag = run(case, security)
    expected = {sent.place: "accepted" for sent in case.letters} | case.outcomes
    ended = {sent.place: _ended(bag, sent) for sent in case.letters}
    assert ended == expected
    assert [sent.place for sent in bag.given_back] == list(case.back)
    assert tuple(map(shown, bag.troubles)) == case.troubles
    assert server.connections == case.connections
    has = [
        sent.recipient
        for sent in case.letters
        if expected[sent.place].startswith(("accepted", "uncertain")) and sent.place not in case.lost
    ]
    assert sorted(server.recipients) == sorted(has)
    bag.assert_rules_kept()


def _ended(bag: FakeBag, sent: Letter) -> str:
    outcome = bag.outcomes.get(sent.recipient)
    if outcome is None:
        return ""
    return "accepted" if outcome.result.value == "accepted" else shown(outcome)


def test_there_are_more_than_forty_faults_in_each_mode() -> None:
    assert len({case.name for case in EVERYWHERE}) == len(EVERYWHERE) > 40


# ------------------------------------------------------------------------------ order and connections


def commands(server: MailServer) -> str:
    return " ".join(line[:4].decode() for line in server.commands)


@pytest.mark.parametrize("security", MODES)
def test_the_next_envelope_travels_behind_the_dot(security: Security) -> None:
    server, bag = run(Case(name="", faults=()), security)
    assert server.ran_ahead.count("dot") == 2
    assert server.ran_ahead.count("mail") == server.ran_ahead.count("rcpt") == 3
    assert server.connections == 1
    assert bag.results == ["accepted"] * 3


@pytest.mark.parametrize("security", MODES)
def test_an_envelope_at_a_time_waits_for_the_last_answer(security: Security) -> None:
    server, _ = run(Case(name="", options={"pipelining": Ahead.ENVELOPE}), security)
    assert "dot" not in server.ran_ahead
    assert server.ran_ahead.count("mail") == 3


@pytest.mark.parametrize("security", MODES)
@pytest.mark.parametrize(
    "changes",
    [{"options": {"pipelining": Ahead.OFF}}, {"server": {"extensions": ()}}],
    ids=["pipelining = off", "a server without it"],
)
def test_without_pipelining_no_command_runs_ahead(changes: dict[str, Any], security: Security) -> None:
    server, _ = run(Case(name="", **changes), security)
    assert server.ran_ahead == []
    assert len(server.messages) == 3


def test_a_server_that_loses_step_is_asked_for_less_from_then_on() -> None:
    """The first connection runs ahead as far as it can, the second an envelope, the third not at all."""
    out_of_step = Fault(at="data", say=b"503 5.5.1 RCPT first\r\n", times=2)
    server, bag = run(Case(name="", faults=[out_of_step], letters=letters(6)), Security.NONE)
    assert server.connections == 3
    assert "dot" not in server.ran_ahead
    assert server.ran_ahead.count("mail") == 2
    assert bag.results == ["accepted"] * 6


def test_after_a_refused_reader_the_server_is_told_to_forget_the_envelope() -> None:
    refused = Fault(at="rcpt", say=b"550 5.1.1 No\r\n")
    server, _ = run(Case(name="", faults=[refused]), Security.NONE)
    assert commands(server) == "EHLO MAIL RCPT DATA RSET MAIL RCPT DATA MAIL RCPT DATA QUIT"


def test_a_letter_that_may_not_leave_costs_its_connection_and_no_trouble() -> None:
    case = Case(name="", bag={"answer": lambda letter: letter.place != 1})
    server, bag = run(case, Security.NONE)
    assert server.recipients == ["reader-0@example.org", "reader-2@example.org"]
    assert (server.connections, bag.troubles) == (2, [])


def test_a_connection_is_renewed_after_so_many_letters() -> None:
    server, bag = run(
        Case(name="", letters=letters(7), options={"letters_per_connection": 3}), Security.STARTTLS
    )
    assert [message.connection for message in server.messages] == [1, 1, 1, 2, 2, 2, 3]
    assert (server.commands.count(b"QUIT"), bag.troubles) == (3, [])


def test_a_connection_at_rest_serves_the_next_letters_and_says_goodbye_when_it_rested_too_long() -> None:
    async def twice(server: MailServer) -> None:
        relay = Relay(options_for(server, idle_timeout=0.2), 1)
        await relay.carry(FakeBag.of([letter(0)]))
        await relay.carry(FakeBag.of([letter(1)]))
        while b"QUIT" not in server.commands:
            await asyncio.sleep(0.01)
        await relay.carry(FakeBag.of([letter(2)]))
        await relay.close()

    with MailServer() as server:
        asyncio.run(asyncio.wait_for(twice(server), 20))
    assert [message.connection for message in server.messages] == [1, 1, 2]


def test_a_server_that_closes_a_connection_at_rest_troubles_nobody() -> None:
    async def twice(server: MailServer) -> FakeBag:
        relay = Relay(options_for(server), 1)
        await relay.carry(FakeBag.of([letter(0)]))
        while relay.is_connected:
            await asyncio.sleep(0.01)
        bag = FakeBag.of([letter(1)])
        await relay.carry(bag)
        await relay.close()
        return bag

    closing = Fault(at="dot", say=b"250 2.0.0 Ok\r\n", then=Then.CLOSE)
    with MailServer(faults=[closing]) as server:
        bag = asyncio.run(asyncio.wait_for(twice(server), 20))
    assert (bag.results, bag.troubles, server.connections) == (["accepted"], [], 2)


def test_a_few_letters_open_a_few_connections() -> None:
    async def few(server: MailServer) -> None:
        relay = Relay(options_for(server), 10)
        await relay.carry(FakeBag.of(letters(2)))
        await relay.close()

    with MailServer() as server:
        asyncio.run(few(server))
    assert server.connections == 2


# --------------------------------------------------------------------------------- nobody is there


def test_a_server_that_is_not_there_is_tried_again_after_growing_pauses() -> None:
    asked: list[int] = []

    def pause(failures: int) -> float:
        asked.append(failures)
        return 0.0

    async def patient(port: int, bag: FakeBag) -> None:
        options = SmtpOptions(host="127.0.0.1", port=port, security=Security.NONE)
        relay = Relay(options, 1, pause=pause)
        await relay.carry(bag)
        await relay.close()

    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]
    bag = FakeBag.of(letters(1), stops_at_trouble=False, tries=4)
    asyncio.run(patient(port, bag))
    assert [shown(trouble) for trouble in bag.troubles] == ["try later at connect"] * 4
    assert asked == [1, 2, 3, 4]
    assert bag.outcomes == {}
    bag.assert_rules_kept()


def test_pauses_are_short_again_once_a_letter_was_answered() -> None:
    asked: list[int] = []

    def pause(failures: int) -> float:
        asked.append(failures)
        return 0.0

    async def served(server: MailServer, bag: FakeBag) -> None:
        relay = Relay(options_for(server), 1, pause=pause)
        await relay.carry(bag)
        await relay.close()

    faults = [
        Fault(at="greeting", say=b"421 4.3.2 Closing\r\n", then=Then.CLOSE, times=2),
        Fault(at="mail", say=b"421 4.3.2 Closing\r\n", then=Then.CLOSE, after=2),
    ]
    with MailServer(faults=faults) as server:
        bag = FakeBag.of(letters(4), stops_at_trouble=False)
        asyncio.run(served(server, bag))
    assert asked == [1, 2, 1]
    assert bag.results == ["accepted"] * 4


@pytest.mark.parametrize("security", MODES)
def test_time_that_we_need_ourselves_is_not_the_servers(security: Security) -> None:
    """Writing down an intent may take longer than a server is given for a reply."""
    case = Case(name="", bag={"answers_after": 2 * SHORT}, options=HASTY, letters=letters(1))
    server, bag = run(case, security)
    assert (bag.results, bag.troubles, server.connections) == (["accepted"], [], 1)


@pytest.mark.parametrize("point", ["ehlo", "mail", "rcpt", "data", "dot"])
def test_a_reply_that_drips_is_given_no_more_than_its_time(point: str) -> None:
    """A clock that starts after the command and runs a tenth longer is not the first to ring."""
    dripping = Fault(at=point, say=b"250-" + b"x" * 3000 + b"\r\n", drip=0.01)

    async def said(server: MailServer, bag: FakeBag) -> None:
        if point == "dot":
            await bag.until("allow 0")
        while point != "dot" and not any(line.lower().startswith(point.encode()) for line in server.commands):
            await asyncio.sleep(0.005)

    async def timed(server: MailServer, bag: FakeBag) -> None:
        carrying = asyncio.create_task(carried(server, bag, **HASTY))
        await said(server, bag)
        asyncio.get_running_loop().call_later(1.1 * SHORT, bag.happened, "the clock")
        await bag.until("the clock")
        await carrying

    bag = FakeBag.of(letters(1))
    with MailServer(faults=[dripping]) as server:
        asyncio.run(timed(server, bag))
    assert [trouble.text for trouble in bag.troubles] == ["no answer in time"]
    (trouble,) = [event for event in bag.events if event.startswith("trouble")]
    assert bag.events.index(trouble) < bag.events.index("the clock")


class Hurried(FakeBag):
    """Says that there is nothing more although letters are out that may come back."""

    async def more(self) -> bool:
        return bool(self.waiting)


def test_a_letter_that_comes_back_when_the_bag_was_empty_is_asked_for_once_more() -> None:
    put_off = Fault(at="mail", say=b"421 4.3.2 Closing\r\n", then=Then.CLOSE)
    bag = Hurried.of(letters(1), stops_at_trouble=False)
    with MailServer(faults=[put_off]) as server:
        asyncio.run(carried(server, bag))
    assert bag.results == ["accepted"]


def test_connections_that_fail_together_are_one_failure() -> None:
    asked: list[int] = []

    def pause(failures: int) -> float:
        asked.append(failures)
        return 0.0

    async def served(server: MailServer, bag: FakeBag) -> None:
        relay = Relay(options_for(server), 5, pause=pause)
        await relay.carry(bag)
        await relay.close()

    busy = Fault(at="greeting", say=b"421 4.3.2 Busy\r\n", then=Then.CLOSE, times=5, wait=0.05)
    with MailServer(faults=[busy]) as server:
        bag = FakeBag.of(letters(5), stops_at_trouble=False)
        asyncio.run(served(server, bag))
    assert len(bag.troubles) == 5
    assert asked[0] == 1
    assert len(asked) < 5
    assert bag.results == ["accepted"] * 5


# --------------------------------------------------------------------------- stopped in the middle


def test_stopped_before_it_began_it_gives_back_what_it_took() -> None:
    async def stopped_at_once(server: MailServer, bag: FakeBag) -> None:
        relay = Relay(options_for(server), 3)
        carrying = asyncio.create_task(relay.carry(bag))
        await asyncio.sleep(0)
        carrying.cancel()
        with suppress(asyncio.CancelledError):
            await carrying
        bag.assert_rules_kept()
        await relay.close()

    with MailServer() as server:
        bag = FakeBag.of(letters(5))
        asyncio.run(stopped_at_once(server, bag))
    assert sorted(sent.place for sent in bag.given_back) == [0, 1, 2]
    assert server.messages == []


def test_an_intent_that_comes_after_everything_was_given_up_is_still_told() -> None:
    async def too_late(server: MailServer, bag: FakeBag) -> None:
        relay = Relay(options_for(server, drain_seconds=0.05), 1)
        carrying = asyncio.create_task(relay.carry(bag))
        await bag.until("intend 0")
        carrying.cancel()
        with suppress(asyncio.CancelledError):
            await carrying
        await relay.close()
        await bag.until("settle 0 try later")
        bag.assert_rules_kept()

    with MailServer() as server:
        bag = FakeBag.of(letters(1), answers_after=0.3)
        asyncio.run(asyncio.wait_for(too_late(server, bag), 20))
    assert server.messages == []


@pytest.mark.parametrize("security", MODES)
def test_what_is_on_the_wire_is_finished_when_the_work_is_stopped(security: Security) -> None:
    slow = Fault(at="dot", say=b"250 2.0.0 Ok\r\n", wait=0.2)
    server, bag = stopped(security, [slow], drain_seconds=15)
    assert bag.results == ["accepted"]
    assert [sent.place for sent in bag.given_back] == [1]
    assert server.recipients == ["reader-0@example.org"]


@pytest.mark.parametrize("security", MODES)
def test_what_is_not_answered_in_time_is_uncertain_when_the_work_is_stopped(security: Security) -> None:
    silent = Fault(at="dot", say=b"", then=Then.SILENCE, keep=True)
    server, bag = stopped(security, [silent], drain_seconds=0.1)
    assert bag.results == ["uncertain"]
    assert [sent.place for sent in bag.given_back] == [1]
    assert server.recipients == ["reader-0@example.org"]


def stopped(security: Security, faults: Sequence[Fault], **options: Any) -> tuple[MailServer, FakeBag]:
    """The work is stopped as soon as the first body has left, and an envelope behind it."""

    async def broken_off(server: MailServer, bag: FakeBag) -> None:
        relay = Relay(options_for(server, **options), 1)
        carrying = asyncio.create_task(relay.carry(bag))
        await bag.until("take 1")
        carrying.cancel()
        with suppress(asyncio.CancelledError):
            await carrying
        bag.assert_rules_kept()
        await relay.close()

    bag = FakeBag.of(letters(3))
    with MailServer(security=security, faults=faults) as server:
        asyncio.run(asyncio.wait_for(broken_off(server, bag), 20))
    return server, bag


# -------------------------------------------------------------------------- what is never written


HOSTILE = [
    "reader@example.org>\r\nRCPT TO:<other@example.org",
    "reader@example.org\r\nDATA",
    "reader@example.org\n",
    "a b@example.org",
    "<reader@example.org>",
    "reader@example.org> NOTIFY=SUCCESS",
    "reader\0@example.org",
    'a"b@example.org',
    "reader\x85@example.org",
    "",
]


@pytest.mark.parametrize("recipient", HOSTILE)
def test_an_address_that_would_be_a_command_is_refused_without_a_word(recipient: str) -> None:
    ordinary = letter(0)
    hostile = Letter(1, 1, ordinary.sender, recipient, ordinary.content, ordinary.size)
    server, bag = run(Case(name="", letters=[ordinary, hostile, letter(2)]), Security.NONE)
    assert shown(bag.outcomes[recipient]) == "refused 553 5.1.3 at recipient"
    assert server.recipients == ["reader-0@example.org", "reader-2@example.org"]
    assert sum(line.startswith(b"RCPT") for line in server.commands) == 2


def test_a_return_path_that_would_be_a_command_is_not_the_readers_fault() -> None:
    sender = "weekly@example.org>\r\nRCPT TO:<other@example.org"
    ordinary = letter(0)
    hostile = Letter(1, 0, sender, ordinary.recipient, ordinary.content, ordinary.size)
    server, bag = run(Case(name="", letters=[hostile, letter(1)]), Security.NONE)
    assert shown(bag.outcomes[ordinary.recipient]) == "refused 553 5.1.7 at sender"
    assert server.recipients == ["reader-1@example.org"]


@pytest.mark.parametrize("body", [b"a\nb\r\n", b"a\r\r\n", b"a", b"\n.\nMAIL FROM:<x@example.org>\r\n"])
def test_a_body_with_a_bare_line_end_stops_the_work_before_it_leaves(body: bytes) -> None:
    with MailServer() as server:
        bag = FakeBag.of([letter(0, body)])
        with pytest.raises(ValueError, match="not CRLF"):
            asyncio.run(carried(server, bag))
    assert (server.messages, bag.intents, list(bag.open)) == ([], [], [])


def test_sizes_are_told_to_servers_that_ask_for_them_and_utf8_only_where_it_is_needed() -> None:
    ordinary = letter(0)
    abroad = Letter(1, 1, ordinary.sender, "żółw@example.org", ordinary.content, 333, international=True)
    server, bag = run(Case(name="", letters=[ordinary, abroad]), Security.NONE)
    assert [message.parameters for message in server.messages] == [
        f"SIZE={ordinary.size}",
        "SIZE=333 SMTPUTF8",
    ]
    assert server.recipients[1] == "żółw@example.org"
    assert set(bag.outcomes) == {"reader-0@example.org", "żółw@example.org"}


# ------------------------------------------------------------------------------------------- secrets


@pytest.mark.parametrize("auth", [Auth.AUTO, Auth.PLAIN, Auth.LOGIN, Auth.XOAUTH2])
@pytest.mark.parametrize("security", MODES)
def test_a_relay_lets_us_in_by_each_kind_of_login(auth: Auth, security: Security) -> None:
    case = Case(
        name="",
        server={"logins": {"weekly": "pass word ü"}},
        options={"username": "weekly", "password": "pass word ü", "auth": auth},
    )
    server, bag = run(case, security)
    assert server.logged_in == ["weekly"]
    assert bag.results == ["accepted"] * 3


@pytest.mark.parametrize("auth", [Auth.PLAIN, Auth.LOGIN, Auth.XOAUTH2])
@pytest.mark.parametrize("security", MODES)
def test_no_secret_and_no_address_is_ever_logged_or_told(
    auth: Auth, security: Security, caplog: pytest.LogCaptureFixture
) -> None:
    """The server repeats what it was told; whatever it repeats is struck out."""
    secret, user = "canary-7f3a9c", "weekly-canary-user"
    options = options_for(MailServer(security=security), username=user, password=secret, auth=auth)
    told = b"535 5.7.8 wrong: %b\r\n"
    for said in (secret.encode(), *every_form(user, secret)):
        faults = [Fault(at="auth", say=told % said), Fault(at="rcpt", say=b"550 5.1.1 reader-0 unknown\r\n")]
        case = Case(
            name="",
            server={"logins": {user: secret}},
            faults=faults,
            options={"username": user, "password": secret, "auth": auth},
        )
        with caplog.at_level(logging.DEBUG):
            _, bag = run(case, security)
        written = " ".join([caplog.text, repr(options), *map(repr, bag.troubles)])
        assert [trouble.code for trouble in bag.troubles] == [535]
        assert [
            form for form in (secret.encode(), *every_form(user, secret)) if form.decode() in written
        ] == []
        assert "@example.org" not in caplog.text
        assert "digest.smtp" in caplog.text


def every_form(user: str, secret: str) -> list[bytes]:
    """A password as the three logins send it, whole and cut short."""
    said = [secret, f"\0{user}\0{secret}", f"user={user}\x01auth=Bearer {secret}\x01\x01"]
    whole = [base64.b64encode(words.encode()) for words in said]
    return [*whole, *(words[:12] for words in whole)]


def test_no_password_is_said_in_plain_text_to_another_machine() -> None:
    here = {"security": Security.NONE, "username": "weekly", "password": "right"}
    assert not SmtpOptions(host="relay.example.org", **here).may_log_in  # type: ignore[arg-type]
    assert SmtpOptions(host="relay.example.org", insecure_login=True, **here).may_log_in  # type: ignore[arg-type]
    assert SmtpOptions(host="127.0.0.1", **here).may_log_in  # type: ignore[arg-type]


# ------------------------------------------------------------------------------------ all together


def test_nobody_gets_two_and_nobody_is_lost_whatever_the_server_drops(tmp_path: Path) -> None:
    """A thousand letters, of which it drops and puts off one in ten; its record knows what it took."""

    async def through(bag: FakeBag) -> None:
        sink = Sink(options=SinkOptions(record=tmp_path / "record", drop_after=0.1, try_later=0.1, seed=7))
        server = await listen(sink)
        port = server.sockets[0].getsockname()[1]
        options = SmtpOptions(host="127.0.0.1", port=port, security=Security.NONE)
        relay = Relay(options, 5, pause=lambda _: 0)
        await relay.carry(bag)
        await relay.close()
        server.close()
        sink.close()

    bag = FakeBag.of(letters(1000), stops_at_trouble=False, tries=100)
    asyncio.run(asyncio.wait_for(through(bag), 60))
    bag.assert_rules_kept()
    took = [line.split()[0] for line in (tmp_path / "record").read_text().splitlines()]
    assert len(took) == len(set(took))
    assert len(bag.outcomes) == 1000
    certain = {name for name, outcome in bag.outcomes.items() if outcome.result.value == "accepted"}
    unsure = {name for name, outcome in bag.outcomes.items() if outcome.result.value == "uncertain"}
    assert certain | unsure == set(took)
    assert len(unsure) == len(bag.troubles) > 50


# -------------------------------------------------------------------------------------------- memory

FLOODED = """
import asyncio, resource, sys
from pathlib import Path
from digest.testing.bag import FakeBag, letters
from digest.transports.smtp import Relay, Security, SmtpOptions

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024

async def carried(bag):
    options = SmtpOptions(
        host="localhost", port=int(sys.argv[1]), security=Security(sys.argv[2]), ca_file=Path(sys.argv[3])
    )
    relay = Relay(options, 1, pause=lambda _: 0)
    await relay.carry(bag)
    await relay.close()

asyncio.run(carried(FakeBag.of(letters(1))))
before = peak()
bag = FakeBag.of(letters(9), stops_at_trouble=False, tries=20)
asyncio.run(carried(bag))
print(peak() - before, len(bag.troubles), *sorted(set(bag.results)))
"""


@pytest.mark.parametrize("security", MODES)
@pytest.mark.parametrize("said", [b"250-more\r\n", b"250 " + b"x" * 60_000], ids=["lines", "one line"])
def test_a_reply_without_end_takes_no_memory(said: bytes, security: Security) -> None:
    flood = Fault(at="dot", say=said, then=Then.FLOOD, times=8, after=1)
    with MailServer(security=security, faults=[flood]) as server:
        arguments = [sys.executable, "-c", FLOODED, str(server.port), security.value, str(authority_file())]
        done = subprocess.run(
            arguments, env=environment(), capture_output=True, text=True, timeout=60, check=False
        )
    assert done.returncode == 0, done.stderr
    grown, troubles, *results = done.stdout.split()
    assert int(grown) < 16, "MiB"
    assert (troubles, results) == ("8", ["accepted", "uncertain"])
