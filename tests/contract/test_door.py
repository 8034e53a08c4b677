"""What a stranger may cost the server: long and slow heads, silence, crowds, heads that mean two things."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from manners import ask
from program import environment
from web_server import rest_of, serving, talk

from digest.errors import UsageError
from digest.web.door import Bounds
from digest.web.limits import BodyLimits
from digest.web.server import listen
from digest.web.site import Receive, Scope, Send

HASTY = Bounds(head=0.6, idle=0.6, stall=0.6, connections=20, stop=3)


async def hello(scope: Scope, receive: Receive, send: Send) -> None:
    """Says the path it was asked for; `/slow` takes a second, `/large` is 30 MB."""
    body: bytes = scope["raw_path"]
    if body == b"/slow":
        await asyncio.sleep(1)
    if body == b"/large":
        body = bytes(30_000_000)
    headers = [(b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with serving(BodyLimits(hello, seconds=0.6), HASTY) as url:
        yield url


def connected(url: str) -> socket.socket:
    host, _, port = url.removeprefix("http://").rpartition(":")
    return socket.create_connection((host, int(port)), timeout=5)


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1]) if answer else 0


# -------------------------------------------------------------------------------- what goes right


def test_a_connection_is_kept_and_requests_are_answered_in_their_order(url: str) -> None:
    asked = b"".join(b"GET /%d HTTP/1.1\r\nHost: a\r\n\r\n" % number for number in range(50))
    answer = talk(url, b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n" + asked, seconds=3)
    said = [part.partition(b"\r\n\r\n")[2] for part in answer.split(b"HTTP/1.1 200 OK")[1:]]
    assert said == [b"/slow", *(b"/%d" % number for number in range(50))]


@pytest.mark.parametrize(
    "asked", [b"GET / HTTP/1.0\r\n\r\n", b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"]
)
def test_who_wants_one_answer_gets_one_and_the_connection_ends(url: str, asked: bytes) -> None:
    began = time.monotonic()
    answer = talk(url, asked)
    assert (status(answer), b"connection: close" in answer) == (200, True)
    assert time.monotonic() - began < 0.5


def test_a_head_that_comes_in_pieces_is_read(url: str) -> None:
    with connected(url) as connection:
        for piece in (b"GE", b"T / HT", b"TP/1.1\r\nHo", b"st: a\r\nConnection: close\r\n", b"\r\n"):
            connection.sendall(piece)
            time.sleep(0.02)
        assert status(rest_of(connection)) == 200


# -------------------------------------------------------------------------------- what is refused


def test_a_head_that_is_too_long_is_refused(url: str) -> None:
    for long in (b"GET /%b HTTP/1.1\r\nHost: a\r\n\r\n", b"GET / HTTP/1.1\r\nHost: a\r\nX: %b\r\n\r\n"):
        assert status(talk(url, long % (b"a" * 40_000))) == 431
        assert status(talk(url, long % (b"a" * 20_000) + b"", seconds=0.3)) == 200
    many = b"".join(b"X-%d: y\r\n" % number for number in range(5000))
    assert status(talk(url, b"GET / HTTP/1.1\r\nHost: a\r\n" + many + b"\r\n")) == 431


def test_a_head_without_an_end_is_refused(url: str) -> None:
    with connected(url) as connection:
        answer = b""
        try:
            connection.sendall(b"GET / HTTP/1.1\r\nX: ")
            for _ in range(200):
                connection.sendall(b"a" * 65536)
        except (ConnectionResetError, BrokenPipeError):
            pass
        else:
            answer = rest_of(connection)
        assert status(answer) in (0, 431)  # it may have closed before we had said it all


@pytest.mark.parametrize("said", [b"", b"G", b"GET / HTTP/1.1\r\nHost: a\r\n", b"\r\n\r\n"])
def test_a_head_that_does_not_become_whole_in_time_is_not_waited_for(url: str, said: bytes) -> None:
    began = time.monotonic()
    answer = talk(url, said)
    assert status(answer) == 408
    assert time.monotonic() - began < 1.5


@pytest.mark.parametrize(
    ("first", "drop"),
    [
        (b"GET / HTTP/1.1\r\n", b"X: y\r\n"),
        (b"", b"\r\n"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n", b"a"),
    ],
    ids=["headers", "empty lines", "the body of what is answered already"],
)
def test_a_drop_now_and_then_does_not_keep_a_connection_open(url: str, first: bytes, drop: bytes) -> None:
    began = time.monotonic()
    with connected(url) as connection:
        connection.sendall(first)
        while time.monotonic() - began < 4 and dripped(connection, drop):
            time.sleep(0.05)
    assert time.monotonic() - began < 2.5


def dripped(connection: socket.socket, drop: bytes) -> bool:
    """Whether the other side still took it."""
    try:
        connection.sendall(drop)
    except (ConnectionResetError, BrokenPipeError):
        return False
    return True


def test_silence_after_an_answer_ends_the_connection(url: str) -> None:
    began = time.monotonic()
    assert status(talk(url, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")) == 200
    assert time.monotonic() - began < 2


@pytest.mark.parametrize(
    "head",
    [
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +3\r\n\r\nabc",
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\n folded: b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX\0: b\r\n\r\n",
        b"GET /\x01 HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET / HTTP/9.9\r\nHost: a\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc",
    ],
)
def test_a_head_that_can_be_read_in_two_ways_is_refused_and_nothing_after_it_is_answered(
    url: str, head: bytes
) -> None:
    answer = talk(url, head + b"GET /behind HTTP/1.1\r\nHost: a\r\n\r\n")
    assert status(answer) in (400, 408)
    assert b"/behind" not in answer
    assert b"\r\n\r\nBad Request\n" in answer or status(answer) == 408


def test_a_bad_request_never_overtakes_the_answer_before_it(url: str) -> None:
    answer = talk(url, b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\nnonsense\r\n\r\n")
    assert status(answer) == 200
    assert answer.endswith(b"\r\n\r\n/slow")


def test_a_body_that_is_too_long_or_too_slow_is_refused(url: str) -> None:
    chunked = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert status(talk(url, b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 65537\r\n\r\n")) == 413
    assert status(talk(url, chunked + b"8000\r\n" + b"a" * 0x8000 + b"\r\n")) == 408
    assert status(talk(url, chunked + b"10001\r\n" + b"a" * 0x10001 + b"\r\n")) == 413
    assert status(talk(url, b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab")) == 408
    assert status(talk(url, chunked + b"2\r\nab\r\n0\r\n\r\n", seconds=0.4)) == 200


def test_a_reader_that_takes_nothing_of_its_answer_is_let_go(url: str) -> None:
    with connected(url) as connection:
        connection.sendall(b"GET /large HTTP/1.1\r\nHost: a\r\n\r\n")
        time.sleep(2)
        assert len(rest_of(connection)) < 30_000_000


def test_a_crowd_is_told_so_and_afterwards_all_is_well() -> None:
    with serving(hello, HASTY) as url:
        crowd = [connected(url) for _ in range(HASTY.connections + 15)]
        time.sleep(0.2)
        assert sum(status(rest_of(one)) == 503 for one in crowd[HASTY.connections :]) == 15
        for one in crowd:
            one.close()
        time.sleep(0.2)
        assert ask(url).status == 200


# --------------------------------------------------------------------------------- beginning, ending


def test_a_port_in_use_is_said_in_words_with_a_cure() -> None:
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match=f"127.0.0.1 port {port} cannot be used: .*; another program"):
            listen("127.0.0.1", port)
    with pytest.raises(UsageError, match="cannot be used"):
        listen("nowhere.invalid", 8000)


SERVER = """
import asyncio
from digest.web.door import Bounds
from digest.web.server import Server, listen

async def slow(scope, receive, send):
    assert scope["type"] == "http"
    print("asked", flush=True)
    await asyncio.sleep(1)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"4")]})
    await send({"type": "http.response.body", "body": b"done"})

server = Server(slow, [listen("127.0.0.1", 0)], bounds=Bounds(stop=4))
print(server.urls[0], flush=True)
server.run()
print("ended", flush=True)
"""


@pytest.mark.parametrize("told", [signal.SIGTERM, signal.SIGINT])
def test_told_to_stop_it_finishes_what_it_answers_closes_what_is_idle_and_ends_well(told: int) -> None:
    running = subprocess.Popen(
        [sys.executable, "-c", SERVER],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert running.stdout is not None
    url = running.stdout.readline().strip()
    with connected(url) as busy, connected(url) as idle:
        busy.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert running.stdout.readline() == "asked\n"
        began = time.monotonic()
        os.kill(running.pid, told)
        assert rest_of(busy).endswith(b"done")
        assert rest_of(idle) == b""
    said, wrong = running.communicate(timeout=10)
    assert (running.returncode, said, wrong) == (0, "ended\n", "")
    assert time.monotonic() - began < 4


def test_nothing_is_logged_of_who_asks_for_what(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    with serving(hello) as url:
        ask(f"{url}/private")
        talk(url, b"nonsense\r\n\r\n")
    assert capfd.readouterr() == ("", "")
