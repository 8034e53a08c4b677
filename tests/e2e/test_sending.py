"""An issue from its cut to its readers, by the commands that its author types."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import pytest
from program import LETTER_NOW, SETTINGS, Ran, digest, edit, environment, letter, written

from digest.testing.server import Fault, MailServer

READERS = [f"reader-{n}@example.org" for n in range(1, 8)]
FIGURES = ("accepted", "refused", "suppressed", "uncertain", "waiting")


def run(project: Path, *args: str, as_json: bool = False) -> Ran:
    return digest("--project", project, "--now", LETTER_NOW, *(["--json"] if as_json else []), *args)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A letter with two posts, seven readers and an issue that is approved."""
    made = letter(tmp_path / "letter", written("One"), written("Two"), settings=SETTINGS)
    (made / "readers.csv").write_text("email\n" + "\n".join(READERS) + "\n", "utf-8")
    assert run(made, "subscribers", "import", str(made / "readers.csv"), "--confirmed").code == 0
    cut = run(made, "issue", "cut", as_json=True)
    assert run(made, "issue", "approve", "1", "--hash", cut.json["hash"]).code == 0
    return made


def sending_of(project: Path) -> list[str]:
    return [sys.executable, "-m", "digest", "--project", str(project), "--now", LETTER_NOW, "send", "1"]


def over_smtp(project: Path, server: MailServer, more: str = "") -> None:
    smtp = f'[delivery.smtp]\nhost = "127.0.0.1"\nport = {server.port}\nsecurity = "none"\n'
    delivery = f'\n[delivery]\ntransport = "smtp"\nconnections = 2\n{more}{smtp}'
    with (project / "digest.toml").open("a") as settings:
        settings.write(delivery)


def test_an_approved_issue_goes_to_everyone_and_the_sum_adds_up(project: Path) -> None:
    sent = run(project, "send", "1")
    assert sent.code == 0, sent.err
    assert "7 = 7 + 0 + 0 + 0 + 0" in sent.out
    files = sorted((project / "outbox").glob("*.eml"))
    letters = [message_from_bytes(file.read_bytes(), policy=default) for file in files]
    assert sorted(str(it["To"]) for it in letters) == READERS
    assert {it["Subject"] for it in letters} == {"One (and 1 more)"}
    status = run(project, "status", "1", as_json=True).json
    assert {key: status[key] for key in ("issue", "state", "candidates", *FIGURES)} == {
        "issue": 1,
        "state": "sent",
        "candidates": 7,
        "accepted": 7,
        "refused": 0,
        "suppressed": 0,
        "uncertain": 0,
        "waiting": 0,
    }
    assert run(project, "verify").code == 0


def test_each_reader_has_links_of_their_own_and_nobody_elses(project: Path) -> None:
    run(project, "send", "1")
    texts = [file.read_text("ascii") for file in (project / "outbox").glob("*.eml")]
    one_line = [text.replace("=\r\n", "").replace("=\n", "") for text in texts]
    links = [set(re.findall(r"/(?:leave|reader)/[a-z2-7]+", text)) for text in one_line]
    assert [len(own) for own in links] == [2] * 7
    assert len(set.union(*links)) == 14
    for text in texts:
        assert len({reader for reader in READERS if f"{reader}\n" in text.replace("\r", "")}) == 1


def test_sending_again_sends_nothing(project: Path) -> None:
    run(project, "send", "1")
    before = {file.name: file.stat().st_mtime_ns for file in (project / "outbox").glob("*.eml")}
    again = run(project, "send", "1")
    assert again.code == 0
    assert "7 = 7 + 0 + 0 + 0 + 0" in again.out
    assert {file.name: file.stat().st_mtime_ns for file in (project / "outbox").glob("*.eml")} == before


def test_a_dry_run_says_how_many_and_sends_nothing(project: Path) -> None:
    run(project, "subscribers", "remove", READERS[0])
    said = run(project, "send", "1", "--dry-run")
    assert said.code == 0
    assert "6 would get it now" in said.out
    assert not (project / "outbox").exists()
    assert run(project, "status", "1", as_json=True).json["state"] == "approved"


def test_a_test_copy_goes_to_one_address_and_is_in_no_ledger(project: Path) -> None:
    assert run(project, "send", "1", "--test", "me@example.org").code == 0
    assert len(list((project / "outbox").glob("*.eml"))) == 1
    assert run(project, "status", "1", as_json=True).json["candidates"] == 0


@pytest.mark.parametrize("number", ["0", "2", "-1"])
def test_an_issue_that_is_not_cut_is_not_sent(project: Path, number: str) -> None:
    told = run(project, "send", "--", number)
    assert told.code == 2
    assert "is not cut yet" in told.err
    assert "Traceback" not in told.err


def test_a_draft_is_not_sent_and_says_how_to_approve_it(tmp_path: Path) -> None:
    project = letter(tmp_path / "letter", written("One"), settings=SETTINGS)
    run(project, "issue", "cut")
    told = run(project, "send", "1")
    assert told.code == 1
    assert "digest issue approve 1 --hash" in told.err


def test_it_goes_over_smtp_and_the_refused_are_named_with_the_servers_words(project: Path) -> None:
    gone = Fault(at="rcpt", say=b"550 5.1.1 no such user\r\n", after=2)
    with MailServer(faults=[gone]) as server:
        over_smtp(project, server)
        sent = run(project, "send", "1")
    assert sent.code == 0, sent.err
    rows = run(project, "status", "1", "--rows", "refused", as_json=True).json["rows"]
    assert [(row["code"], row["enhanced"], row["reply"]) for row in rows] == [(550, "5.1.1", "no such user")]
    refused = rows[0]["address"]
    assert sorted(message.recipient for message in server.messages) == sorted(set(READERS) - {refused})
    assert "hard bounce" in run(project, "subscribers", "show", refused).out


def test_a_wrong_host_leaves_everyone_waiting_and_says_why(project: Path) -> None:
    with MailServer() as server:
        over_smtp(project, server)
    sending = subprocess.Popen(sending_of(project), env=environment(), stderr=subprocess.PIPE, text=True)
    assert sending.stderr is not None
    assert "waiting: the mail server" in sending.stderr.readline()
    sending.send_signal(signal.SIGTERM)
    said = sending.communicate(timeout=60)[1]
    assert sending.returncode == 1, said
    status = run(project, "status", "1", as_json=True).json
    assert (status["state"], status["waiting"], status["candidates"]) == ("sending", 7, 7)


def test_a_byte_that_was_changed_behind_the_approval_is_noticed(project: Path) -> None:
    import sqlite3
    from contextlib import closing

    with closing(sqlite3.connect(project / ".digest" / "digest.db")) as store, store:
        store.execute("UPDATE issue SET text = text || ' And more.'")
    told = run(project, "send", "1")
    assert told.code == 1
    assert not (project / "outbox").exists()
    assert run(project, "status", "1", as_json=True).json["state"] == "held"
    assert run(project, "verify").code == 1


def test_a_copy_of_the_project_sends_nothing(project: Path, tmp_path: Path) -> None:
    import shutil

    shutil.copytree(project, tmp_path / "copy")
    told = run(tmp_path / "copy", "send", "1")
    assert told.code == 1
    assert "digest adopt" in told.err
    assert not (tmp_path / "copy" / "outbox").exists()
    assert run(project, "send", "1").code == 0


def test_a_killed_sending_goes_on_by_the_same_command(project: Path) -> None:
    slow = Fault(at="dot", wait=0.4, times=0)
    with MailServer(faults=[slow]) as server:
        over_smtp(project, server, more='uncertain = "resend"\n')
        command = [
            sys.executable,
            "-m",
            "digest",
            "--project",
            str(project),
            "--now",
            LETTER_NOW,
            "send",
            "1",
        ]
        sending = subprocess.Popen(command, env=environment())
        while not server.messages:
            assert sending.poll() is None
            time.sleep(0.02)
        os.kill(sending.pid, signal.SIGKILL)
        sending.wait()
        assert run(project, "send", "1").code == 0
    got = [message.recipient for message in server.messages]
    assert set(got) == set(READERS)
    assert len(got) - len(set(got)) <= 2


def test_a_password_never_stands_in_what_is_printed(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIGEST_SMTP_PASSWORD", "hunter2")
    with MailServer(logins={"weekly": "hunter3"}) as server:
        over_smtp(project, server)
        secret = 'security = "none"\nusername = "weekly"\npassword = "env:DIGEST_SMTP_PASSWORD"'
        edit(project, "digest.toml", 'security = "none"', secret)
        ran = [run(project, "send", "1", "--test", "me@example.org"), run(project, "settings")]
    for one in ran:
        assert "hunter2" not in one.out + one.err
    assert ran[0].code == 1  # the server knows another password
    assert "****" in ran[1].out
