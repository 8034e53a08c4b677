"""What is done about returned mail: from a file, a pipe, a Maildir or a mailbox on a server, and once."""

from __future__ import annotations

import mailbox
import ssl
from collections.abc import Callable, Generator, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import pytest
import trustme
from imap_server import PASSWORD, USER, Imap, serving
from returned import MARKS, NAMES, READER, RETURN_PATH, TOKEN, Readers, message

from digest.bounces import LIMIT, Effect, Kind, fingerprint
from digest.errors import MailboxError, StoreError, UsageError
from digest.incoming import (
    ImapAccount,
    Incoming,
    Report,
    from_file,
    from_imap,
    from_maildir,
    from_stream,
    read_returns,
    returned_mail,
)
from digest.incoming.acting import MAX_LINES

NOW = datetime(2026, 11, 14, 9, 0, tzinfo=UTC)
GONE, FULL = "postfix-user-unknown", "postfix-mailbox-full"


@pytest.fixture
def readers() -> Readers:
    return Readers()


def arriving(*contents: bytes, done: Callable[[bool], None] = lambda _: None) -> Generator[Incoming]:
    for number, content in enumerate(contents, start=1):
        yield Incoming(name=f"message {number}", content=content, done=done)


def reading(readers: Readers, *contents: bytes, now: datetime = NOW) -> Report:
    return read_returns(arriving(*contents), readers, MARKS, now=now)


def on(day: str, name: str = FULL) -> bytes:
    """The message, written on another day."""
    return message(name).replace(b"Fri, 13 Nov 2026 07:00:31", day.encode())


# ------------------------------------------------------------------------------------------ what is done


@pytest.mark.parametrize(
    ("name", "why"),
    [
        (GONE, "hard bounce"),
        ("exchange-not-found", "hard bounce"),
        ("qmail-no-mailbox", "hard bounce"),
        ("arf-yahoo", "complaint"),
        ("outlook-jmrp", "complaint"),
        ("arf-by-address-alone", "complaint"),
        ("leave-subject", "unsubscribed"),
        ("leave-address", "unsubscribed"),
    ],
)
def test_who_is_gone_complains_or_leaves_is_never_mailed_again(readers: Readers, name: str, why: str) -> None:
    report = reading(readers, message(name))
    assert readers.suppressed == {17: why}
    assert (report.read, report.suppressed, report.unplaced, report.unknown) == (1, 1, (), ())


@pytest.mark.parametrize(
    "name",
    [
        "gmail-4.2.2-delayed",
        "postfix-delivered",
        "alias-one-of-two-failed",
        "vacation-rfc3834",
        "vacation-german",
        "read-receipt",
        "arf-not-spam",
        "arf-auth-failure",
        "human-reply",
        "human-forwards-a-bounce",
        "spam",
        "empty",
    ],
)
def test_delays_absences_praise_and_people_change_nothing(readers: Readers, name: str) -> None:
    report = reading(readers, message(name))
    assert readers == Readers()
    assert (report.read, report.suppressed) == (1, 0)


@pytest.mark.parametrize("name", ["outlook-5.7.515", "postfix-blocklisted", "postfix-too-big", "gmail-rate"])
def test_a_refusal_of_the_mail_is_shown_to_the_author_and_never_suppresses(
    readers: Readers, name: str
) -> None:
    dates = [f"{day:02} Oct 2026 07:00:31" for day in range(1, 30)]
    report = reading(readers, *(on(f"Thu, {date}", name) for date in dates))
    assert readers.suppressed == {}
    assert {kind for _, kind, _, _ in readers.bounces} == {Kind.REFUSED}
    assert len(report.refused) == 29


def test_a_full_mailbox_is_given_up_after_five_issues(readers: Readers) -> None:
    weekly = [on(f"Fri, {day} 2026 07:00:31") for day in ("16 Oct", "23 Oct", "30 Oct", "06 Nov", "13 Nov")]
    reading(readers, *weekly[:4])
    assert readers.suppressed == {}
    assert reading(readers, weekly[4]).suppressed == 1
    assert readers.suppressed == {17: "hard bounce"}


def test_the_same_message_counts_once_from_whichever_place_it_is_read(readers: Readers) -> None:
    reading(readers, message(FULL))
    report = reading(readers, message(FULL).replace(b"\n", b"\r\n"), message(FULL))
    assert (len(readers.bounces), report.known) == (1, 2)


def test_a_bounce_after_a_complaint_is_counted_and_suppresses_nobody_anew(readers: Readers) -> None:
    report = reading(readers, message("arf-yahoo"), message(GONE))
    assert (report.suppressed, report.known, len(readers.bounces)) == (1, 0, 1)


def test_a_bounce_without_a_token_of_ours_is_doubted(readers: Readers) -> None:
    report = reading(readers, message("postfix-to-postmaster-anonymous"))
    assert [kind for _, kind, _, _ in readers.bounces] == [Kind.TRANSIENT]
    assert (report.suppressed, report.counts[Kind.PERMANENT]) == (0, 1)


def test_a_token_that_nobody_has_leaves_the_addresses_to_be_looked_up(readers: Readers) -> None:
    reading(readers, message(GONE).replace(TOKEN.encode(), b"another0token0nobody0has"))
    assert [(who, kind) for who, kind, _, _ in readers.bounces] == [(17, Kind.TRANSIENT)]


def test_a_forged_sender_leaves_for_nobody(readers: Readers) -> None:
    asked = f"From: {READER}\nTo: leave@remission.example.org\nSubject: leave {'0' * 20}\n\n".encode()
    report = reading(readers, message("leave-without-token"), asked)
    assert readers == Readers()
    assert report.unplaced == (
        "message 1: request to leave that names reader-17@example.org: please take me off",
        f"message 2: request to leave that names nobody: leave {'0' * 20}",
    )


def test_a_bounce_of_nobody_we_know_is_named(readers: Readers) -> None:
    stranger = message("postfix-to-postmaster-anonymous").replace(b"reader-17@", b"reader-99@")
    assert reading(readers, stranger).unplaced == (
        "message 1: permanent bounce that names reader-99@example.org: 5.1.1 550 5.1.1 No such user",
    )


@pytest.mark.parametrize(
    ("day", "counted"),
    [
        ("Fri, 13 Nov 2026 07:00:31", datetime(2026, 11, 13, 7, 0, 31, tzinfo=UTC)),
        ("Fri, 13 Nov 2099 07:00:31", NOW),
        ("Fri, 13 Nov 1998 07:00:31", NOW),
        ("soon", NOW),
    ],
)
def test_a_bounce_is_dated_by_itself_where_that_can_be(readers: Readers, day: str, counted: datetime) -> None:
    reading(readers, on(day))
    assert [at for _, _, _, at in readers.bounces] == [counted]


def test_the_whole_corpus_is_counted_by_kind(readers: Readers) -> None:
    report = reading(readers, *(message(name) for name in NAMES))
    assert report.read == len(NAMES)
    assert set(report.counts) == set(Kind)
    assert all(report.counts.values())
    assert (report.broken, report.stopped, report.more) == ((), None, 0)


def test_a_flood_of_spam_is_counted_and_not_all_of_it_is_shown(readers: Readers) -> None:
    report = reading(readers, *[message("spam")] * (MAX_LINES + 50))
    assert (report.counts[Kind.UNKNOWN], len(report.unknown), report.more) == (MAX_LINES + 50, MAX_LINES, 50)


# --------------------------------------------------------------------------------------- in which order


def test_a_message_is_marked_only_after_its_effect_is_committed(readers: Readers) -> None:
    seen: list[dict[int, str]] = []
    source = arriving(message(GONE), done=lambda _: seen.append(dict(readers.suppressed)))
    read_returns(source, readers, MARKS, now=NOW)
    assert seen == [{17: "hard bounce"}]


def test_a_store_that_fails_ends_the_reading_and_marks_nothing() -> None:
    class Failing(Readers):
        def bounced(self, **_: object) -> Effect:
            raise StoreError("the disk is full")

    marked: list[bool] = []
    source = arriving(message("spam"), message(GONE), message("leave-subject"), done=marked.append)
    report = read_returns(source, Failing(), MARKS, now=NOW)
    assert str(report.stopped) == "the disk is full"
    assert (report.read, marked) == (1, [False])


def test_what_breaks_the_reading_of_one_message_is_named_and_the_rest_go_on(readers: Readers) -> None:
    def verp(address: str) -> tuple[int, str] | None:
        if "breaks" in address:
            raise ValueError("no number")
        return MARKS.verp(address)

    marked: list[bool] = []
    broken = message(GONE).replace(RETURN_PATH.encode(), b"breaks@remission.example.org")
    source = arriving(broken, message(GONE), done=marked.append)
    report = read_returns(source, readers, replace(MARKS, verp=verp), now=NOW)
    assert report.broken == ("message 1: it cannot be read (ValueError)",)
    assert (readers.suppressed, marked) == ({17: "hard bounce"}, [True])


def test_a_message_that_cannot_be_marked_keeps_its_effect(readers: Readers) -> None:
    def done(understood: bool) -> None:
        raise MailboxError("the folder is read-only")

    report = read_returns(arriving(message(GONE), done=done), readers, MARKS, now=NOW)
    assert readers.suppressed == {17: "hard bounce"}
    assert report.broken == ("message 1: dealt with, but not marked as read: the folder is read-only",)


# ---------------------------------------------------------------------------------------------- files


def test_a_file_of_one_message_is_read(tmp_path: Path, readers: Readers) -> None:
    (tmp_path / "bounce.eml").write_bytes(message(GONE))
    assert read_returns(from_file(tmp_path / "bounce.eml"), readers, MARKS, now=NOW).suppressed == 1
    assert (tmp_path / "bounce.eml").read_bytes() == message(GONE)


def test_an_mbox_gives_each_message_as_it_was(tmp_path: Path) -> None:
    names = [name for name in NAMES if message(name) and name != "no-headers"]
    box = mailbox.mbox(tmp_path / "mbox")
    for name in names:
        box.add(message(name))
    box.add(b"Subject: quoted\n\nBefore\n\nFrom the desk of nobody\n")
    box.close()
    found = list(from_file(tmp_path / "mbox"))
    assert [one.content.rstrip() for one in found[:-1]] == [message(name).rstrip() for name in names]
    assert found[0].name == "mbox, message 1"
    assert b"\nFrom the desk of nobody\n" in found[-1].content


def test_a_line_that_only_begins_like_a_message_does_not_part_one() -> None:
    [one] = from_stream(BytesIO(b"From x\nSubject: a\n\nWe heard\nFrom the desk\n"))
    assert one.content == b"Subject: a\n\nWe heard\nFrom the desk\n"


def test_a_message_from_a_pipe_is_read_with_and_without_the_line_of_an_mbox(readers: Readers) -> None:
    piped = b"From MAILER-DAEMON  Fri Nov 13 07:00:31 2026\n" + message(GONE)
    [one] = from_stream(BytesIO(piped))
    assert one.content == message(GONE)
    [other] = from_stream(BytesIO(message(GONE)))
    assert (other.name, other.content) == ("standard input", message(GONE))


def test_of_a_huge_message_only_the_beginning_is_kept() -> None:
    line = b"x" * 75 + b"\n"
    [one] = from_stream(BytesIO(message(GONE) + line * 400_000))
    assert LIMIT <= len(one.content) < 2 * LIMIT
    assert fingerprint(one.content) == fingerprint(message(GONE) + line * 400_000)


def test_an_empty_file_holds_no_message() -> None:
    assert list(from_stream(BytesIO(b""))) == []


def test_a_file_that_is_not_there_is_said(tmp_path: Path, readers: Readers) -> None:
    report = read_returns(from_file(tmp_path / "nothing"), readers, MARKS, now=NOW)
    assert report.stopped is not None
    assert "nothing: it cannot be read (No such file or directory)" in report.stopped.says


def test_what_the_command_names_is_read_and_else_what_the_settings_say(tmp_path: Path, maildir: Path) -> None:
    (tmp_path / "bounce.eml").write_bytes(message(GONE))
    pipe = BytesIO(message(FULL))
    assert [one.name for one in returned_mail(str(tmp_path / "bounce.eml"), pipe)] == ["bounce.eml"]
    assert [one.name for one in returned_mail("-", pipe, maildir=maildir)] == ["standard input"]
    assert len(list(returned_mail(str(maildir), pipe))) == 2
    assert len(list(returned_mail("", pipe, maildir=maildir))) == 2
    with pytest.raises(UsageError, match="name a file, a Maildir or -"):
        returned_mail("", pipe)


# -------------------------------------------------------------------------------------------- Maildir


@pytest.fixture
def maildir(tmp_path: Path) -> Path:
    folder = tmp_path / "Maildir"
    box = mailbox.Maildir(folder)
    for name in (GONE, "human-reply"):
        box.add(message(name))
    return folder


def lying(folder: Path) -> dict[str, list[str]]:
    """How many lie in each part, by their flags."""
    parts = {part: sorted((folder / part).iterdir()) for part in ("new", "cur")}
    return {part: [path.name.partition(":2,")[2] for path in paths] for part, paths in parts.items()}


def test_a_maildirs_messages_move_to_cur_and_are_seen(maildir: Path, readers: Readers) -> None:
    report = read_returns(from_maildir(maildir), readers, MARKS, now=NOW)
    assert (report.read, report.suppressed, len(report.unknown)) == (2, 1, 1)
    assert lying(maildir) == {"new": [], "cur": ["S", "S"]}
    assert read_returns(from_maildir(maildir), readers, MARKS, now=NOW).read == 0
    assert len(mailbox.Maildir(maildir)) == 2


def test_what_another_program_has_moved_but_nobody_has_seen_is_read_too(
    maildir: Path, readers: Readers
) -> None:
    for path in (maildir / "new").iterdir():
        path.rename(maildir / "cur" / f"{path.name}:2,F")
    assert read_returns(from_maildir(maildir), readers, MARKS, now=NOW).read == 2
    assert lying(maildir) == {"new": [], "cur": ["FS", "FS"]}


def test_a_message_that_vanishes_meanwhile_is_passed_over(maildir: Path, readers: Readers) -> None:
    source = from_maildir(maildir)
    first = next(source)
    for path in list((maildir / "new").iterdir()):
        path.unlink()
    first.done(True)
    assert list(source) == []


def test_a_file_in_a_maildir_that_cannot_be_read_is_named_and_the_rest_go_on(
    maildir: Path, readers: Readers
) -> None:
    (maildir / "new" / "0folder").mkdir()
    report = read_returns(from_maildir(maildir), readers, MARKS, now=NOW)
    assert report.broken == ("0folder: it cannot be read (Is a directory)",)
    assert (report.read, readers.suppressed) == (2, {17: "hard bounce"})


def test_a_folder_that_is_no_maildir_is_said(tmp_path: Path, readers: Readers) -> None:
    stopped = read_returns(from_maildir(tmp_path), readers, MARKS, now=NOW).stopped
    assert "it is no Maildir; name the folder that holds new/, cur/ and tmp/" in str(stopped)


# ----------------------------------------------------------------------------------------------- IMAP


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def imap(authority: trustme.CA) -> Iterator[Imap]:
    """A server on TLS with a bounce, what a person wrote, and a message that was seen before."""
    account = Imap(tls=certified(authority))
    account.put(message(GONE), message("human-reply"))
    account.put(message("leave-subject"), flags="\\Seen")
    with serving(account):
        yield account


def certified(authority: trustme.CA, name: str = "localhost") -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    return context


@pytest.fixture
def account(imap: Imap, authority: trustme.CA, tmp_path: Path) -> ImapAccount:
    trusted = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(trusted))
    return ImapAccount(
        host="localhost", port=imap.port, username=USER, password=PASSWORD, trusted=str(trusted), timeout=10
    )


def test_a_mailbox_is_read_without_touching_it_and_then_flagged(
    imap: Imap, account: ImapAccount, readers: Readers
) -> None:
    report = read_returns(from_imap(account), readers, MARKS, now=NOW)
    assert (report.stopped, report.read, report.suppressed) == (None, 2, 1)
    assert report.unknown == ("INBOX, message 2: Re: Two trials of remission",)
    assert imap.holds("INBOX") == {1: "\\Seen", 2: "\\Seen", 3: "\\Seen"}
    assert [line for line in imap.said if line.split()[0] in ("EXPUNGE", "COPY", "MOVE")] == []
    assert imap.said[-1] == "LOGOUT"
    assert read_returns(from_imap(account), readers, MARKS, now=NOW).read == 0


def test_a_message_is_the_same_from_a_mailbox_and_from_a_file(account: ImapAccount, readers: Readers) -> None:
    reading(readers, message(FULL))
    [first, _] = [one.content for one in from_imap(account)]
    assert fingerprint(first) == fingerprint(message(GONE))


@pytest.mark.parametrize("abilities", ["MOVE UIDPLUS", "UIDPLUS"])
def test_what_was_understood_moves_and_what_was_not_stays(
    imap: Imap, account: ImapAccount, readers: Readers, abilities: str
) -> None:
    imap.abilities = abilities
    imap.put(b"Subject: thrown away\n\n", flags="\\Seen \\Deleted")
    read_returns(from_imap(replace(account, move_to="Dealt with")), readers, MARKS, now=NOW)
    assert imap.holds("Dealt with") == {101: "\\Seen"}
    assert imap.holds("INBOX") == {2: "\\Seen", 3: "\\Seen", 4: "\\Deleted \\Seen"}


def test_a_server_that_cannot_remove_one_message_alone_keeps_it_marked(
    imap: Imap, account: ImapAccount, readers: Readers
) -> None:
    imap.abilities = ""
    read_returns(from_imap(replace(account, move_to="Dealt with")), readers, MARKS, now=NOW)
    assert imap.holds("Dealt with") == {101: "\\Seen"}
    assert imap.holds("INBOX")[1] == "\\Deleted \\Seen"


def test_a_password_in_plain_ascii_logs_in_too(imap: Imap, account: ImapAccount, readers: Readers) -> None:
    imap.password = 'plain "fish" \\ 17'
    plain = replace(account, password=imap.password)
    assert read_returns(from_imap(plain), readers, MARKS, now=NOW).read == 2
    assert "LOGIN" in imap.said


@pytest.mark.parametrize("password", ["wrong-Kq7", "wröng-Kq7"])
def test_a_wrong_password_is_said_and_not_shown(
    imap: Imap, account: ImapAccount, readers: Readers, password: str
) -> None:
    stopped = read_returns(from_imap(replace(account, password=password)), readers, MARKS, now=NOW).stopped
    assert "IMAP server localhost: it refused" in str(stopped)
    assert "Kq7" not in f"{stopped} {replace(account, password=password)!r}"


def test_a_certificate_nobody_vouches_for_is_refused(
    imap: Imap, account: ImapAccount, readers: Readers
) -> None:
    stopped = read_returns(from_imap(replace(account, trusted="")), readers, MARKS, now=NOW).stopped
    assert "its certificate was not accepted" in str(stopped)
    assert imap.said == []


def test_a_certificate_for_another_name_is_refused(
    authority: trustme.CA, account: ImapAccount, readers: Readers
) -> None:
    with serving(Imap(tls=certified(authority, "mail.example.org"))) as other:
        source = from_imap(replace(account, port=other.port))
        assert "Hostname mismatch" in str(read_returns(source, readers, MARKS, now=NOW).stopped)
        assert other.said == []


def test_starttls_comes_before_the_password(
    authority: trustme.CA, account: ImapAccount, readers: Readers
) -> None:
    with serving(Imap(tls=certified(authority), starttls=True)) as other:
        other.put(message(GONE))
        source = from_imap(replace(account, port=other.port, security="starttls"))
        assert read_returns(source, readers, MARKS, now=NOW).suppressed == 1
        assert other.said.index("STARTTLS") < other.said.index("AUTHENTICATE")


def test_a_server_without_starttls_gets_no_password(account: ImapAccount, readers: Readers) -> None:
    with serving(Imap()) as other:
        source = from_imap(replace(account, port=other.port, security="starttls"))
        assert read_returns(source, readers, MARKS, now=NOW).stopped is not None
        assert not {"LOGIN", "AUTHENTICATE"} & set(other.said)


def test_a_server_on_this_machine_may_do_without_tls(account: ImapAccount, readers: Readers) -> None:
    with serving(Imap()) as other:
        other.put(message(GONE))
        source = from_imap(replace(account, port=other.port, security="none"))
        assert read_returns(source, readers, MARKS, now=NOW).suppressed == 1


def test_a_message_the_server_does_not_give_is_named_and_the_rest_go_on(
    imap: Imap, account: ImapAccount, readers: Readers
) -> None:
    imap.refused = {"FETCH 2"}
    imap.put(message("arf-yahoo"))
    report = read_returns(from_imap(account), readers, MARKS, now=NOW)
    assert (report.read, report.stopped) == (2, None)
    assert report.broken == ("INBOX, message 2: the server does not give it (FETCH: not this one)",)
    assert imap.holds("INBOX")[2] == ""


def test_a_connection_that_is_lost_keeps_what_was_done_and_the_next_run_goes_on(
    imap: Imap, account: ImapAccount, readers: Readers
) -> None:
    imap.dropped = {"FETCH 2"}
    report = read_returns(from_imap(account), readers, MARKS, now=NOW)
    assert (report.read, readers.suppressed) == (1, {17: "hard bounce"})
    assert isinstance(report.stopped, MailboxError)
    imap.dropped = set()
    assert next(returned_mail("", BytesIO(), account=account)).name == "INBOX, message 2"
    assert read_returns(from_imap(account), readers, MARKS, now=NOW).counts[Kind.UNKNOWN] == 1


def test_a_flag_that_is_lost_makes_the_message_come_again_and_count_once(
    imap: Imap, account: ImapAccount, readers: Readers
) -> None:
    imap.folders["INBOX"][0].content = message(FULL)
    imap.dropped = {"STORE 1"}
    read_returns(from_imap(account), readers, MARKS, now=NOW)
    imap.dropped = set()
    assert read_returns(from_imap(account), readers, MARKS, now=NOW).known == 1
    assert len(readers.bounces) == 1


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"folder": "Nowhere"}, "it refused: no such folder"),
        ({"trusted": "/nowhere.pem"}, "/nowhere.pem: it holds no certificates"),
        ({"port": 1}, "no connection (Connection refused)"),
    ],
)
def test_what_stands_in_the_way_is_said_in_a_sentence(
    account: ImapAccount, readers: Readers, changes: dict[str, object], says: str
) -> None:
    stopped = read_returns(from_imap(replace(account, **changes)), readers, MARKS, now=NOW).stopped  # type: ignore[arg-type]
    assert stopped is not None
    assert says in stopped.says
    assert stopped.cure
