"""What comes back for a sent issue, from its own letters' marks to who gets the next one.

A real SMTP server, letters as they were sent, a Maildir, a pipe and a mailbox on a server. About ten seconds.
"""

from __future__ import annotations

import email
import email.policy
import mailbox
import re
import signal
import ssl
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import trustme
from imap_server import PASSWORD, USER, Imap, serving
from program import ROOT, SETTINGS, Ran, digest, environment, letter, written

from digest import settings
from digest.errors import SettingsError
from digest.incoming import read_configured
from digest.model import CameBack, ConsentAct, SubscriberState, SuppressionReason
from digest.store import Store
from digest.store.people import Act, Held
from digest.subscribers.addresses import read_address
from digest.testing.server import Fault, MailServer, Message

THURSDAY, NEXT_THURSDAY = "2024-11-21T19:00", "2024-11-28T19:00"
NOW = datetime(2024, 11, 22, 9, 0, tzinfo=UTC)
SENDS = """
[delivery]
transport = "smtp"
connections = 1
return_path = "bounces@baseline.example.org"

[delivery.smtp]
host = "127.0.0.1"
port = {port}
security = "none"

[bounces]
{bounces}
"""
ADDRESSES = [f"reader-{number}@example.org" for number in (1, 2, 3)]


@dataclass(frozen=True, kw_only=True)
class Press:
    """A publication with three readers, and the mail server that takes its letters."""

    project: Path
    server: MailServer

    def run(self, *args: str | Path, now: str = THURSDAY) -> Ran:
        return digest("--project", self.project, "--now", now, "--json", *args)

    def send(self, number: int, now: str = THURSDAY) -> dict[str, Message]:
        """Cuts, approves and sends an issue; its letters by their readers."""
        self.cut(now)
        self.server.messages.clear()
        assert self.run("send", str(number), now=now).code == 0
        return {message.recipient: message for message in self.server.messages}

    def cut(self, now: str = THURSDAY) -> None:
        found = self.run("issue", "cut", now=now).json
        self.run("issue", "approve", str(found["issue"]), "--hash", found["hash"], now=now)

    def next(self) -> list[str]:
        """Who gets the next issue."""
        (self.project / "posts/two.md").write_text(written("Two", date="2024-11-25 09:00"), "utf-8")
        return sorted(self.send(2, NEXT_THURSDAY))

    def store(self) -> Store:
        return Store.open(settings.load(self.project, {}).store_url, project=self.project)

    def held(self, number: int) -> Held:
        with self.store() as store:
            return store.people.show(read_address(ADDRESSES[number - 1]), NOW)

    def piped(self, content: bytes) -> Ran:
        """`digest bounces -` in a process of its own."""
        command = [sys.executable, "-m", "digest", "--project", str(self.project), "--now", THURSDAY]
        done = subprocess.run(
            [*command, "--json", "bounces", "-"],
            input=content,
            capture_output=True,
            env=environment(),
            check=False,
            timeout=60,
        )
        return Ran(code=done.returncode, out=done.stdout.decode(), err=done.stderr.decode())

    def configure(self, bounces: str) -> None:
        text = SETTINGS + SENDS.format(port=self.server.port, bounces=bounces)
        (self.project / "digest.toml").write_text(text, "utf-8")


def opened(folder: Path, server: MailServer) -> Press:
    press = Press(project=letter(folder, written("One")), server=server)
    press.configure('maildir = "Returned"')
    mailbox.Maildir(press.project / "Returned")
    with press.store() as store:
        for address in ADDRESSES:
            store.people.add(read_address(address), Act(at=NOW, how="command line"), confirmed=True)
    return press


@pytest.fixture
def press(tmp_path: Path) -> Iterator[Press]:
    with MailServer() as server:
        yield opened(tmp_path / "letter", server)


# --------------------------------------------------------------------------------- what mail systems write


def report(sent: Message, status: str, said: str) -> bytes:
    """As Postfix reports a letter that it could not deliver (RFC 3464)."""
    head = sent.content.partition(b"\r\n\r\n")[0].decode().replace("\r\n", "\n")
    return f"""\
Return-Path: <>
Delivered-To: {sent.sender}
Date: Thu, 21 Nov 2024 18:30:00 +0000
From: MAILER-DAEMON@mx.example.org (Mail Delivery System)
To: {sent.sender}
Subject: Undelivered Mail Returned to Sender
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b1"

--b1
Content-Type: text/plain

I'm sorry to have to inform you that your message could not be delivered.

--b1
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.org

Final-Recipient: rfc822; {sent.recipient}
Action: failed
Status: {status}
Diagnostic-Code: smtp; {said}

--b1
Content-Type: text/rfc822-headers

{head}

--b1--
""".encode()


def complaint(sent: Message) -> bytes:
    """As a provider tells that its reader called a letter spam (RFC 5965), the reader's address left out."""
    head = sent.content.partition(b"\r\n\r\n")[0].decode().replace("\r\n", "\n")
    return f"""\
From: feedback@provider.example.com
To: abuse@baseline.example.org
Subject: complaint
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report; boundary="b1"

--b1
Content-Type: text/plain

This is an email abuse report.

--b1
Content-Type: message/feedback-report

Feedback-Type: abuse
User-Agent: Provider/1.0
Version: 1

--b1
Content-Type: message/rfc822

{head}

--b1--
""".encode()


def absent(sent: Message) -> bytes:
    return f"""\
From: {sent.recipient}
To: {sent.sender}
Subject: Out of office: One
Auto-Submitted: auto-replied

I am away, and 550 5.1.1 no such user is what you might read elsewhere.
""".encode()


def wish(sent: Message) -> bytes:
    """What a mail program writes when its reader presses "unsubscribe"."""
    offered = str(email.message_from_bytes(sent.content, policy=email.policy.default)["List-Unsubscribe"])
    found = re.search(r"<(mailto:[^>]+)>", offered)
    assert found
    parts = urlsplit(found[1])
    subject = parse_qs(parts.query)["subject"][0]
    return f"From: someone-else@example.net\nTo: {parts.path}\nSubject: {subject}\n\n\n".encode()


# ------------------------------------------------------------------------------------------ what is done


def test_a_missing_mailbox_gets_no_further_issue_and_a_full_or_an_absent_one_does(press: Press) -> None:
    sent = press.send(1)
    assert sorted(sent) == ADDRESSES
    returned = mailbox.Maildir(press.project / "Returned")
    returned.add(report(sent[ADDRESSES[0]], "5.1.1", "550 5.1.1 No such user"))
    returned.add(report(sent[ADDRESSES[1]], "5.2.2", "552 5.2.2 Mailbox full"))
    returned.add(absent(sent[ADDRESSES[2]]))
    found = press.run("bounces").json
    assert (found["read"], found["suppressed"], found["unplaced"], found["stopped"]) == (3, 1, [], None)
    assert found["counts"]["automatic reply"] == 1
    assert press.held(3).bounces == ()
    sums = press.run("status", "1").json
    assert (sums["bounced"], sums["accepted"], sums["adds_up"]) == (2, 3, True)
    assert press.next() == ADDRESSES[1:]


def test_the_same_bounce_from_the_maildir_and_from_a_pipe_counts_once(press: Press) -> None:
    sent = press.send(1)
    bounce = report(sent[ADDRESSES[1]], "5.2.2", "552 5.2.2 Mailbox full")
    mailbox.Maildir(press.project / "Returned").add(bounce)
    assert press.run("bounces").json["known"] == 0
    assert press.run("bounces").json["read"] == 0
    ran = press.piped(bounce)
    assert (ran.code, ran.json["read"], ran.json["known"]) == (0, 1, 1)
    assert [came.kind for came in press.held(2).bounces] == [CameBack.TRANSIENT]
    assert press.next() == ADDRESSES


def test_a_complaint_without_an_address_finds_its_reader_by_the_letter(press: Press) -> None:
    sent = press.send(1)
    assert press.piped(complaint(sent[ADDRESSES[1]])).json["suppressed"] == 1
    barred = press.held(2).suppression
    assert barred
    assert barred.reason is SuppressionReason.COMPLAINT
    assert press.next() == [ADDRESSES[0], ADDRESSES[2]]


def test_the_mail_that_a_letter_offers_to_leave_by_lets_its_reader_go(press: Press, tmp_path: Path) -> None:
    sent = press.send(1)
    (tmp_path / "wish.eml").write_bytes(wish(sent[ADDRESSES[2]]))
    assert press.run("bounces", tmp_path / "wish.eml").json["suppressed"] == 1
    held = press.held(3)
    assert held.subscriber
    assert held.subscriber.state is SubscriberState.LEFT
    assert (held.consents[-1].act, held.consents[-1].how) == (ConsentAct.LEFT, "mail to the leave address")
    assert press.next() == ADDRESSES[:2]


def test_a_relays_own_return_path_still_leaves_the_letters_mark(press: Press) -> None:
    sent = press.send(1)
    foreign = report(sent[ADDRESSES[0]], "5.1.1", "550 5.1.1 No such user").replace(
        sent[ADDRESSES[0]].sender.encode(), b"0101-a@relay.example.net"
    )
    assert press.piped(foreign).json["suppressed"] == 1
    assert press.next() == ADDRESSES[1:]


def test_a_mailbox_on_a_server_is_read_as_the_settings_say(press: Press, tmp_path: Path) -> None:
    sent = press.send(1)
    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    authority.cert_pem.write_to_path(str(press.project / "ca.pem"))
    (press.project / "password").write_text(PASSWORD + "\n", "utf-8")
    with serving(Imap(tls=context)) as imap:
        imap.put(
            report(sent[ADDRESSES[0]], "5.1.1", "550 5.1.1 No such user"), b"Subject: Hello\n\nI read it.\n"
        )
        press.configure(
            f'host = "localhost"\nport = {imap.port}\nusername = "{USER}"\n'
            'password = "file:password"\nca_file = "ca.pem"\nmove_to = "Dealt with"'
        )
        with press.store() as store:
            found = read_configured(settings.load(press.project, {}), store, NOW)
        assert found
        assert (found.stopped, found.suppressed, len(found.unknown)) == (None, 1, 1)
        assert (len(imap.holds("Dealt with")), imap.holds("INBOX")) == (1, {2: "\\Seen"})
    assert press.next() == ADDRESSES[1:]


# ----------------------------------------------------------------------------------------- refused at RCPT


@pytest.fixture
def refusing(tmp_path: Path) -> Iterator[Press]:
    """Its mail server knows no reader-1, and has something against us where reader-2 is."""
    faults = [
        Fault(at="rcpt", say=b"550 5.1.1 No such user\r\n"),
        Fault(at="rcpt", say=b"550 5.7.1 Blocked by policy\r\n"),
    ]
    with MailServer(faults=faults) as server:
        yield opened(tmp_path / "letter", server)


def test_no_such_user_at_rcpt_suppresses_and_a_policy_does_not(refusing: Press) -> None:
    assert sorted(refusing.send(1)) == [ADDRESSES[2]]
    sums = refusing.run("status", "1").json
    assert (sums["refused"], sums["accepted"], sums["bounced"]) == (2, 1, 0)
    barred = refusing.held(1).suppression
    assert barred
    assert (barred.reason, barred.detail) == (SuppressionReason.HARD_BOUNCE, "550 5.1.1 No such user")
    assert refusing.held(2).suppression is None
    assert refusing.next() == ADDRESSES[1:]


_KILLED = """
import os, signal, sys
from datetime import UTC, datetime
from pathlib import Path
from digest import mailing, settings
from digest.store import Store
from digest.store.returns import Returns

class Dying(Returns):
    def refused_at_once(self, number, now, places=None):
        if places is not None:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().refused_at_once(number, now, places)

project = Path(sys.argv[1])
found = settings.load(project, {})
clock = lambda: datetime(2024, 11, 21, 19, 0, tzinfo=UTC)
with Store.open(found.store_url, project=project) as store:
    store.returns = Dying(store.engine)
    mailing.run(mailing.send(found, store, 1, clock, rules=mailing.rules(found)))
"""


def test_a_refusal_whose_sender_is_killed_before_it_has_its_effect_has_it_in_the_next_run(
    refusing: Press,
) -> None:
    refusing.cut()
    command = [sys.executable, "-c", _KILLED, str(refusing.project)]
    done = subprocess.run(command, env=environment(), cwd=ROOT, check=False, timeout=60)
    assert done.returncode == -signal.SIGKILL
    assert refusing.run("status", "1").json["refused"] >= 1
    assert refusing.held(1).suppression is None
    assert refusing.run("send", "1").code == 0
    barred = refusing.held(1).suppression
    assert barred
    assert barred.reason is SuppressionReason.HARD_BOUNCE
    assert [came.kind for came in refusing.held(1).bounces] == [CameBack.PERMANENT]


# -------------------------------------------------------------------------------------------- how it is told


def test_a_report_tells_what_was_done_and_what_nobody_could_be_found_for(
    press: Press, tmp_path: Path
) -> None:
    sent = press.send(1)
    stranger = report(sent[ADDRESSES[0]], "5.1.1", "550 5.1.1 No such user").replace(
        b"reader-1@", b"reader-9@"
    )
    box = mailbox.mbox(tmp_path / "mbox")
    for content in (
        report(sent[ADDRESSES[1]], "5.1.1", "550 5.1.1 No such user"),
        re.sub(rb"bounces\+1\.\w+|leave%20\w+", b"x", stranger),
        report(sent[ADDRESSES[2]], "5.7.1", "550 5.7.1 Blocked"),
    ):
        box.add(content)
    box.close()
    ran = digest("--project", press.project, "--now", THURSDAY, "bounces", tmp_path / "mbox")
    assert ran.code == 0
    assert ran.out.splitlines() == [
        "3 messages read.",
        "        2  permanent bounce",
        "        1  refusal of the mail",
        "1 reader will not be mailed any more.",
        "",
        "Refused because of the letter or of you; you may have to act:",
        "  mbox, message 3: 5.7.1 550 5.7.1 Blocked",
        "",
        "Of nobody we know, or without a token; nothing was done:",
        "  mbox, message 2: permanent bounce that names reader-9@example.org: 5.1.1 550 5.1.1 No such user",
    ]
    assert ran.err.splitlines()[-1].startswith("next: look at what was refused")


def test_a_project_without_a_place_for_returned_mail_is_told_so(press: Press) -> None:
    press.configure("")
    ran = press.run("bounces")
    assert ran.code == 2
    assert "name a file, a Maildir or -, or give maildir or host in [bounces]" in ran.err
    with press.store() as store:
        assert read_configured(settings.load(press.project, {}), store, NOW) is None


def test_a_place_that_cannot_be_read_is_said_and_the_exit_code_tells(press: Press, tmp_path: Path) -> None:
    press.configure('maildir = "nowhere"')
    ran = press.run("bounces")
    assert ran.code == 1
    assert "it is no Maildir" in ran.json["stopped"]
    ran = digest("--project", press.project, "bounces", tmp_path / "nothing.eml")
    assert (ran.code, ran.out) == (1, "0 messages read.\n")
    assert "nothing.eml: it cannot be read (No such file or directory)" in ran.err
    (press.project / "Returned/new/0folder").mkdir()
    ran = press.run("bounces", press.project / "Returned")
    assert (ran.code, ran.json["broken"]) == (1, ["0folder: it cannot be read (Is a directory)"])


def test_a_secret_that_is_not_there_is_said_by_its_key_alone(press: Press) -> None:
    press.configure('host = "localhost"\npassword = "file:secret-Kq7"')
    ran = press.run("bounces")
    assert ran.code in (1, 2)
    assert "bounces.password cannot be read" in ran.err
    with press.store() as store, pytest.raises(SettingsError):
        read_configured(settings.load(press.project, {}), store, NOW)
