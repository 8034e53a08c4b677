"""The senders that `bench_send.py` compares, each in a process of its own; prints one line of JSON.

The two libraries get messages that are composed as ours are (spliced), so that what is compared is how they
reach the wire; `built each` is what a program does that builds an EmailMessage for every reader.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import smtplib
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path

import sqlalchemy as sa

from digest import mailing, settings
from digest.compose import Mould
from digest.model import PREFERENCES_URL, UNSUBSCRIBE_URL, Addressee, Email
from digest.store import Store, issue_hash
from digest.store.schema import issue, subscriber

NOW = datetime(2026, 11, 20, 7, tzinfo=UTC)
SETTINGS = """\
[site]
title = "Remission Weekly"
url = "https://remission.example.org"
[newsletter]
sender = "Remission Weekly <weekly@remission.example.org>"
postal_address = "1 Example Street, London"
[delivery]
transport = "smtp"
connections = {connections}
return_path = "bounces@remission.example.org"
[delivery.smtp]
host = "127.0.0.1"
port = {port}
security = "none"
[store]
url = "{database}"
"""


def sample(size: int) -> Email:
    """An issue whose message has about `size` bytes on the wire."""
    links = f'<a href="{UNSUBSCRIBE_URL}">Unsubscribe</a> <a href="{PREFERENCES_URL}">Change</a>'
    line = "<p>Of 8 treated patients, 8 were in remission after a median follow-up of 15 months.</p>\n"
    text = f"Of 8 treated patients, 8 were in remission.\n\nUnsubscribe: <{UNSUBSCRIBE_URL}>\n"
    html = line * max(1, (size - 2500) // 92) + links
    return Email(subject="Two trials", html=html, text=text, summary="Both read.")


def used() -> float:
    found = resource.getrusage(resource.RUSAGE_SELF)
    return found.ru_utime + found.ru_stime


def tell(count: int, seconds: float, cpu: float) -> None:
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"rate": count / seconds, "cpu": cpu / count * 1e6, "memory": memory}))


def timed(count: int, work: Callable[[], None]) -> None:
    began, before = time.perf_counter(), used()
    work()
    tell(count, time.perf_counter() - began, used() - before)


# ---------------------------------------------------------------------------------------------- ours


def ours(given: argparse.Namespace, database: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder)
        text = SETTINGS.format(connections=given.connections, port=given.port, database=database)
        (project / "digest.toml").write_text(text, "utf-8")
        found = settings.load(project)
        with Store.open(found.store_url, project=project) as store:
            fill(store, sample(given.size), given.readers)
            store.sending.begin(1, NOW)
            rules = mailing.rules(found)

            async def send() -> None:
                sent = await mailing.send(found, store, 1, lambda: datetime.now(UTC), rules=rules)
                assert sent.accounting.accepted == given.readers, sent

            timed(given.readers, lambda: mailing.run(send()))


def fill(store: Store, email: Email, readers: int) -> None:
    row = {
        "number": 1,
        "state": "approved",
        "cutoff": NOW,
        "sends": NOW,
        "cut_at": NOW,
        "shortened": [],
        "subject": email.subject,
        "summary": email.summary,
        "html": email.html,
        "text": email.text,
        "hash": issue_hash(email),
    }
    with store.engine.execution_options(digest_writes=True).begin() as connection:
        connection.execute(sa.insert(issue), row)
        for first in range(0, readers, 10_000):
            people = [
                {
                    "mark": f"{n:032x}",
                    "address": f"reader-{n}@example.org",
                    "name": f"Reader {n}",
                    "state": "confirmed",
                    "added_at": NOW,
                }
                for n in range(first, min(first + 10_000, readers))
            ]
            connection.execute(sa.insert(subscriber), people)


def postgresql(given: argparse.Namespace) -> None:
    """In a fresh database of the cluster."""
    name = f"bench_{uuid.uuid4().hex}"
    server = sa.make_url(given.database).set(drivername="postgresql+psycopg")
    engine = sa.create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    try:
        ours(given, server.set(drivername="postgresql", database=name).render_as_string(hide_password=False))
    finally:
        with engine.connect() as connection:
            connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
        engine.dispose()


# -------------------------------------------------------------------------------------------- others


def spliced(given: argparse.Namespace) -> Callable[[int], bytes]:
    with tempfile.TemporaryDirectory() as folder:
        text = SETTINGS.format(connections=1, port=25, database="sqlite:///x.db")
        (Path(folder) / "digest.toml").write_text(text, "utf-8")
        found = settings.load(Path(folder))
    assert found.newsletter is not None
    mould = Mould(sample(given.size), found.site, found.newsletter, number=1, date=NOW)
    return lambda n: mould.letter(reader(n))


def reader(n: int) -> Addressee:
    return Addressee(
        address=f"reader-{n}@example.org",
        name=f"Reader {n}",
        message_id=f"1.{n:024x}@remission.example.org",
        leave_url=f"https://remission.example.org/leave/{n:032x}",
        preferences_url=f"https://remission.example.org/reader/{n:032x}",
        leave_mailto=f"mailto:weekly@remission.example.org?subject=leave%20{n:032x}",
        return_path="weekly@remission.example.org",
    )


def built(given: argparse.Namespace) -> Callable[[int], bytes]:
    email = sample(given.size)

    def build(n: int) -> bytes:
        to = reader(n)
        message = EmailMessage(policy=SMTP)
        message["From"] = "Remission Weekly <weekly@remission.example.org>"
        message["To"] = f"{to.name} <{to.address}>"
        message["Subject"] = email.subject
        message["Message-ID"] = f"<{to.message_id}>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
        message.set_content(email.text.replace(UNSUBSCRIBE_URL, to.leave_url), cte="quoted-printable")
        html = email.html.replace(UNSUBSCRIBE_URL, to.leave_url).replace(PREFERENCES_URL, to.preferences_url)
        message.add_alternative(html, subtype="html", cte="quoted-printable")
        return message.as_bytes()

    return build


def with_aiosmtplib(given: argparse.Namespace, make: Callable[[int], bytes]) -> None:
    import aiosmtplib

    async def lane(numbers: range) -> None:
        client = aiosmtplib.SMTP(hostname="127.0.0.1", port=given.port, use_tls=False, start_tls=False)
        await client.connect()
        for n in numbers:
            await client.sendmail("weekly@remission.example.org", [f"reader-{n}@example.org"], make(n))
        await client.quit()

    async def all_lanes() -> None:
        async with asyncio.TaskGroup() as lanes:
            for first in range(given.connections):
                lanes.create_task(lane(range(first, given.readers, given.connections)))

    timed(given.readers, lambda: asyncio.run(all_lanes()))


def with_smtplib(given: argparse.Namespace, make: Callable[[int], bytes]) -> None:
    def lane(numbers: range) -> None:
        with smtplib.SMTP("127.0.0.1", given.port, local_hostname="localhost") as client:
            for n in numbers:
                client.sendmail("weekly@remission.example.org", [f"reader-{n}@example.org"], make(n))

    def all_lanes() -> None:
        numbers = [range(first, given.readers, given.connections) for first in range(given.connections)]
        lanes = [threading.Thread(target=lane, args=(own,)) for own in numbers]
        for started in lanes:
            started.start()
        for started in lanes:
            started.join()

    timed(given.readers, all_lanes)


def main() -> None:
    asked = argparse.ArgumentParser()
    asked.add_argument("sender")
    asked.add_argument("--port", type=int, required=True)
    asked.add_argument("--readers", type=int, required=True)
    asked.add_argument("--size", type=int, required=True)
    asked.add_argument("--connections", type=int, required=True)
    asked.add_argument("--database", default="")
    given = asked.parse_args()
    match given.sender:
        case "digest, SQLite":
            ours(given, "sqlite:///.digest/digest.db")
        case "digest, PostgreSQL":
            postgresql(given)
        case "aiosmtplib":
            with_aiosmtplib(given, spliced(given))
        case "aiosmtplib, built each":
            with_aiosmtplib(given, built(given))
        case "smtplib":
            with_smtplib(given, spliced(given))
        case unknown:
            sys.exit(f"there is no sender {unknown!r}")


if __name__ == "__main__":
    main()
