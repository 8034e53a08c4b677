"""Times the web for readers with a million of them in the store: pages, forms, and an issue going out meanwhile.

A real `digest serve` on loopback has one core, whoever asks (wrk, one thread) the other. Beside each figure
stands what the machine can do at that moment: transactions of one row that a bare loop commits to a SQLite
file with synchronous=FULL, and a FastAPI route that returns a constant page, served by uvicorn. Of several
rounds the best counts: on a shared machine the others say how busy it was.
"""

from __future__ import annotations

import argparse
import http.client
import json
import random
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass
from itertools import count, islice
from pathlib import Path

import bench_readership
from bench_readership import PENDING, Readership
from bench_send import postgresql, recording_sink
from bench_servers import free_port, running, used

from digest.store import Store
from digest.subscribers.tokens import Purpose

ROOT = Path(__file__).resolve().parent.parent
SQLITE = "sqlite:///.digest/digest.db"
OTHERS = "1"
"""The core for everything but what is measured, which has the other."""

BARE_INSERT = "INSERT INTO bare (line) VALUES ('Of 8 treated patients, 8 were in remission.')"
PAGE = "<!doctype html><title>A page</title>" + "<p>Of 8 treated patients, 8 were in remission.</p>\n" * 200

LUA = r"""
local lines, at = {}, 0
function setup(thread) made = thread end
function init(given) for line in io.lines(given[1]) do lines[#lines + 1] = line end end
function request()
  at = at + 1
  local method, path, body = lines[(at - 1) % #lines + 1]:match("^(%S+) (%S+) ?(.*)$")
  if method == "GET" then return wrk.format("GET", path) end
  local network = string.format("10.%d.%d.7", math.floor(at / 250) % 250, at % 250)
  local headers = {["Content-Type"] = "application/x-www-form-urlencoded", ["X-Forwarded-For"] = network}
  return wrk.format(method, path, headers, body)
end
function done(summary, latency, requests)
  local bad = summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.timeout
  io.write(string.format('{"asked": %d, "seconds": %f, "bad": %d, "median": %f, "p99": %f}\n',
    summary.requests, summary.duration / 1e6, bad,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3))
end
"""


@dataclass(frozen=True)
class Figure:
    """Answers a second, and milliseconds: the median, the 99th of a hundred, the processor's for each."""

    rate: float
    median: float
    p99: float
    cpu: float


@dataclass(frozen=True)
class Server:
    """Answers at this port."""

    port: int
    pid: int


@dataclass(frozen=True)
class Place:
    """A project whose web is open at this port."""

    project: Path
    database: str
    people: Readership
    server: Server
    seconds: int

    def ask(self, requests: Iterable[str], clients: int) -> Figure:
        """Each line is `METHOD PATH BODY`; they come in turn, and again once all have come."""
        return ask(self.server, requests, clients, self.seconds)


def ask(server: Server, requests: Iterable[str], clients: int, seconds: int) -> Figure:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "ask.lua").write_text(LUA)
        (Path(folder) / "requests").write_text("\n".join(requests) + "\n")
        command = [
            *(
                "taskset",
                "-c",
                OTHERS,
                "wrk",
                "-t1",
                f"-c{clients}",
                f"-d{seconds}s",
                "-s",
                f"{folder}/ask.lua",
            ),
            *(f"http://127.0.0.1:{server.port}", "--", f"{folder}/requests"),
        ]
        before = used(server.pid)
        told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        spent = used(server.pid) - before
    found = json.loads(told.splitlines()[-1])
    if found["bad"]:
        print(f"    {found['bad']:.0f} of {found['asked']} were not answered well", flush=True)
    return Figure(
        found["asked"] / found["seconds"], found["median"], found["p99"], spent / found["asked"] * 1e3
    )


# ------------------------------------------------------------------------------------------ who answers


@contextmanager
def served(project: Path) -> Iterator[Server]:
    """`digest serve` on a core of its own."""
    port = free_port()
    command = [sys.executable, "-m", "digest", "--project", str(project), "serve", "--port", str(port)]
    with running(command, port, project / "log") as pid:
        yield Server(port, pid)


@contextmanager
def bare_page() -> Iterator[Server]:
    """A route that returns a constant page."""
    port = free_port()
    with running([sys.executable, __file__, str(port)], port) as pid:
        yield Server(port, pid)


def answer_with_a_page(port: int) -> None:
    import uvicorn
    from fastapi import FastAPI
    from fastapi.responses import HTMLResponse

    app = FastAPI()

    @app.get("/", response_class=HTMLResponse)
    def page() -> str:
        return PAGE

    uvicorn.run(app, port=port, log_level="error", access_log=False)


def bare_commits(place: Place) -> float:
    """Transactions of one row a second, each on the disk before the next begins."""
    if place.database != SQLITE:
        import psycopg

        with psycopg.connect(place.database, autocommit=True) as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS bare (id serial PRIMARY KEY, line text)")
            return commits(lambda: connection.execute(BARE_INSERT), place.seconds)
    with closing(sqlite3.connect(place.project / "bare.db", isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("CREATE TABLE IF NOT EXISTS bare (id INTEGER PRIMARY KEY, line TEXT)")
        return commits(lambda: connection.execute(BARE_INSERT), place.seconds)


def commits(one: Callable[[], object], seconds: float) -> float:
    number, passed, began = 0, 0.0, time.perf_counter()
    while passed < seconds:
        one()
        number, passed = number + 1, time.perf_counter() - began
    return number / passed


# ------------------------------------------------------------------------------------------ who asks


def pages(people: Readership) -> dict[str, list[str]]:
    """What readers look at, each by readers from everywhere in the store."""
    some = random.Random(7).sample(range(1, people.readers + 1), 2000)
    old = range(1, bench_readership.OLD_READERS + 1)
    pending = range(people.readers + PENDING - 2000, people.readers + PENDING)

    def links(path: str, purpose: Purpose, ids: Iterable[int]) -> list[str]:
        return [f"GET {people.link(path, purpose, id)}" for id in ids]

    return {
        "reader's page": links("reader", Purpose.PREFERENCES, some),
        "reader's page, 200 issues": links("reader", Purpose.PREFERENCES, old),
        "page to leave": links("leave", Purpose.LEAVE, some),
        "page to confirm": links("confirm", Purpose.CONFIRM, pending),
        "/subscribe/": ["GET /subscribe/"],
        "/subscribe/challenge": ["GET /subscribe/challenge"],
        "/healthz": ["GET /healthz"],
        "/metrics": ["GET /metrics"],
    }


class Forms:
    """Forms that change something: no two are about the same reader, however often they are asked for."""

    def __init__(self, people: Readership) -> None:
        self._people = people
        self._leaving = random.Random(time.time()).sample(
            range(1000, people.readers + 1), people.readers // 4
        )
        self._pending = iter(range(people.readers + 1, people.readers + PENDING + 1))
        self._new = count(time.time_ns() // 1000)

    def sign_ups(self, most: int) -> list[str]:
        numbers = islice(self._new, most)
        return [f"POST /subscribe/ {self._people.form(f'r{n}@d{n % 500}.example.org')}" for n in numbers]

    def confirmations(self, most: int) -> list[str]:
        ids = islice(self._pending, most)
        return [f"POST {self._people.link('confirm', Purpose.CONFIRM, id)} language=en" for id in ids]

    def leaves(self, most: int) -> list[str]:
        ids = [self._leaving.pop() for _ in range(most)]
        return [
            f"POST {self._people.link('leave', Purpose.LEAVE, id)} List-Unsubscribe=One-Click" for id in ids
        ]


# ------------------------------------------------------------------------------------------ measuring


def best(rounds: int, measure: Callable[[], Figure]) -> Figure:
    """The round with the smallest 99th percentile; its rate is the best of all."""
    found = [measure() for _ in range(rounds)]
    calm = min(found, key=lambda it: it.p99)
    return Figure(max(it.rate for it in found), calm.median, calm.p99, min(it.cpu for it in found))


def show(what: str, clients: int, figure: Figure, beside: float) -> None:
    print(
        f"{what:<28}{clients:>3} {figure.rate:>9,.0f} {figure.rate / beside:>8.3f}"
        f" {figure.median:>9.2f} {figure.p99:>9.2f} {figure.cpu:>9.2f}",
        flush=True,
    )


def heading(says: str, beside: str) -> None:
    print(
        f"\n{says}\n{'':<28}{'':>3} {'a second':>9} {'of ' + beside:>8} {'median ms':>9} {'p99 ms':>9} {'CPU ms':>9}"
    )


def measure_pages(place: Place, rounds: int) -> None:
    with bare_page() as server:
        bare = {c: best(rounds, lambda c=c: ask(server, ["GET /"], c, place.seconds)) for c in (1, 8)}
    heading(f"Pages, {place.people.readers:,} readers", "bare")
    for clients, figure in bare.items():
        show("a bare constant page", clients, figure, figure.rate)
    for what, requests in pages(place.people).items():
        for clients in (1, 8):
            figure = best(rounds, lambda r=requests, c=clients: place.ask(r, c))
            show(what, clients, figure, bare[clients].rate)


def measure_forms(place: Place, forms: Forms, rounds: int) -> None:
    bare = max(bare_commits(place) for _ in range(rounds))
    heading(f"Forms; a bare loop commits {bare:,.0f} rows a second", "bare")
    most = round(place.seconds * 1500)
    for clients in (1, 8, 50):
        for what, make in (
            ("one-click leaves", forms.leaves),
            ("confirmations", forms.confirmations),
            ("sign-ups", forms.sign_ups),
        ):
            show(what, clients, best(rounds, lambda m=make, c=clients: place.ask(m(most), c)), bare)
            settled(place)


def settled(place: Place, within: float = 120) -> None:
    """Waits until the office has nothing to do."""
    with Store.open(place.database, project=place.project) as store:
        ends = time.monotonic() + within
        while time.monotonic() < ends:
            if not store.sign_ups.waiting() and not store.service_mails.backlog().waiting:
                return
            time.sleep(0.5)
    print("    the office is still at work")


# ------------------------------------------------------------------------------------ the mails behind


def measure_mails(place: Place, forms: Forms, many: int) -> None:
    """From the first form to the last mail that answers one, by each way for mail to leave."""
    print(f"\n{many:,} sign-ups one after another, and the office behind them")
    with tempfile.TemporaryDirectory() as folder, recording_sink(Path(folder)) as sink:
        for transport in ("folder", "smtp"):
            bench_readership.settle(place.project, place.database, transport=transport, port=sink.port)
            settled(place)
            before, began = mails(place), time.perf_counter()
            connection = http.client.HTTPConnection("127.0.0.1", place.server.port)
            for number, line in enumerate(forms.sign_ups(many)):
                timed(connection, "POST", "/subscribe/", line.rpartition(" ")[2], network=number)
            took = time.perf_counter() - began
            settled(place)
            left, passed = mails(place) - before, time.perf_counter() - began
            print(
                f"{transport:<8} {many / took:>6,.0f} forms a second, {left:,} mails, {left / passed:,.0f} a second"
            )


def mails(place: Place) -> int:
    """How many that answer readers a mail server has."""
    with Store.open(place.database, project=place.project) as store, store.engine.connect() as connection:
        asked = "SELECT count(*) FROM service_mail WHERE state = 'accepted' AND kind <> 'welcome'"
        return int(connection.exec_driver_sql(asked).scalar_one())


# ----------------------------------------------------------------------------------- what comes at once


def measure_crowd(place: Place, forms: Forms, rounds: int) -> None:
    """A reader's own page while fifty others sign up or leave."""
    looks = pages(place.people)["reader's page"]
    heading("A page while others send forms", "alone")
    alone = best(rounds, lambda: place.ask(looks, 1))
    show("reader's page alone", 1, alone, alone.rate)
    for what, make in (("50 sign up", forms.sign_ups), ("50 leave", forms.leaves)):
        found = [both(place, looks, make(round(place.seconds * 1500)), 50) for _ in range(rounds)]
        look, crowd = min(found, key=lambda it: it[0].p99)
        show(f"reader's page, {what}", 1, look, alone.rate)
        show("    and they", 50, crowd, alone.rate)
        settled(place)


def both(place: Place, looks: Sequence[str], others: Sequence[str], clients: int) -> tuple[Figure, Figure]:
    """How the first fare while the others come too, and how these do."""
    with ThreadPoolExecutor() as pool:
        crowd = pool.submit(place.ask, others, clients)
        return place.ask(looks, 1), crowd.result()


def measure_sending(place: Place, forms: Forms, rounds: int) -> None:
    """The moment when readers leave: an issue is on its way, by another process on the same database."""
    looks = pages(place.people)
    with tempfile.TemporaryDirectory() as folder, recording_sink(Path(folder)) as sink:
        bench_readership.settle(place.project, place.database, transport="smtp", port=sink.port)
        record = Path(folder) / "record"
        with sending(place, record):
            heading("While an issue goes out", "alone")
            before, began = written(record), time.perf_counter()
            for what, make in (
                ("one-click leaves", lambda: forms.leaves(round(place.seconds * 1500))),
                ("reader's page", lambda: looks["reader's page"]),
                ("page to leave", lambda: looks["page to leave"]),
            ):
                for clients in (1, 8):
                    figure = best(rounds, lambda m=make, c=clients: place.ask(m(), c))
                    show(what, clients, figure, figure.rate)
            rate = (written(record) - before) / (time.perf_counter() - began)
            print(f"    {rate:,.0f} messages a second left meanwhile", flush=True)


@contextmanager
def sending(place: Place, record: Path) -> Iterator[None]:
    """`digest send` at full speed, on the core of the others."""
    command = ["taskset", "-c", OTHERS, sys.executable, "-m", "digest", "--project", str(place.project)]
    with (place.project / "sending.log").open("w") as log:
        sender = subprocess.Popen([*command, "send", str(place.people.next_issue)], stdout=log, stderr=log)
        try:
            while not written(record):
                if sender.poll() is not None:
                    sys.exit((place.project / "sending.log").read_text())
                time.sleep(0.2)
            yield
        finally:
            sender.send_signal(signal.SIGTERM)
            sender.wait()


def written(record: Path) -> int:
    return record.read_bytes().count(b"\n") if record.exists() else 0


# --------------------------------------------------------------------------------- what time might tell


def measure_telling(place: Place, many: int) -> None:
    """Whether the time of an answer, or of the next request, tells who reads the newsletter."""
    random.seed(7)
    known = [f"reader-{n}@example.org" for n in random.sample(range(1, place.people.readers), many)]
    barred = [f"former-reader-{4 * n + 3}@example.org" for n in range(many)]
    new = [f"stranger-{time.time_ns() // 1000 + n}@example.org" for n in range(many)]
    asked = [(kind, it) for kind, all in (("known", known), ("barred", barred), ("new", new)) for it in all]
    random.shuffle(asked)
    times: dict[str, list[tuple[float, float]]] = {"known": [], "barred": [], "new": []}
    connection = http.client.HTTPConnection("127.0.0.1", place.server.port)
    for number, (kind, address) in enumerate(asked):
        first = timed(connection, "POST", "/subscribe/", place.people.form(address), network=number)
        times[kind].append((first, timed(connection, "GET", "/subscribe/challenge")))
    print(f"\nSigning up, {many:,} of each in a shuffled order; milliseconds")
    for kind, found in times.items():
        for what, column in (("the answer", 0), ("the next request", 1)):
            values = [it[column] for it in found]
            quarters = "  ".join(f"{it:7.3f}" for it in statistics.quantiles(values, n=20)[0::3])
            later = chance_of_later(values, [it[column] for it in times["new"]])
            print(f"{kind:<8} {what:<18} {quarters}   later than of a new one: {later:.3f}", flush=True)


def timed(
    connection: http.client.HTTPConnection, method: str, path: str, body: str = "", network: int = 0
) -> float:
    headers = {"X-Forwarded-For": f"10.{network // 250}.{network % 250}.7"} if body else {}
    headers |= {"Content-Type": "application/x-www-form-urlencoded"} if body else {}
    began = time.perf_counter()
    connection.request(method, path, body or None, headers)
    connection.getresponse().read()
    return (time.perf_counter() - began) * 1e3


def chance_of_later(some: Sequence[float], others: Sequence[float]) -> float:
    """That one of the first is greater than one of the others: 0.5 where nothing tells them apart."""
    ranked = sorted([(it, 0) for it in others] + [(it, 1) for it in some])
    ranks = sum(rank for rank, (_, mine) in enumerate(ranked, 1) if mine)
    return (ranks - len(some) * (len(some) + 1) / 2) / (len(some) * len(others))


PARTS = ("pages", "forms", "mails", "crowd", "sending", "telling")


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--readers", type=int, default=1_000_000)
    parser.add_argument("--store", type=Path, help="a folder for the readers, kept for the next time")
    parser.add_argument("--postgresql", action="store_true", help="the readers stand in PostgreSQL")
    parser.add_argument("--only", default=",".join(("feeds", *PARTS)), help="what is measured, by commas")


def measure(folder: Path, given: argparse.Namespace) -> None:
    """What of `--only` is ours, in a store that is made first."""
    parts = [part for part in PARTS if part in given.only]
    if not parts:
        return
    project = given.store or folder
    with postgresql() if given.postgresql else nullcontext(SQLITE) as database:
        _measure(project, database, parts, given)


def _measure(project: Path, database: str, parts: Sequence[str], given: argparse.Namespace) -> None:
    people = bench_readership.make(project, database, given.readers)
    forms = Forms(people)
    with served(project) as server:
        place = Place(project, database, people, server, given.seconds)
        for part in parts:
            match part:
                case "pages":
                    measure_pages(place, given.rounds)
                case "forms":
                    measure_forms(place, forms, given.rounds)
                case "mails":
                    measure_mails(place, forms, 1000)
                case "crowd":
                    measure_crowd(place, forms, given.rounds)
                case "sending":
                    measure_sending(place, forms, given.rounds)
                case "telling":
                    measure_telling(place, 3000)
            bench_readership.settle(project, database, transport="folder", port=25)
            settled(place)


if __name__ == "__main__":
    answer_with_a_page(int(sys.argv[1]))
