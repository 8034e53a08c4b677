"""The whole web at a real port: no way out of the site's folder, and no body that is too large or slow."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from doors import Keyring, content, doors, keyring
from postgres import SQLITE
from program import LETTER_NOW, build
from visits import Web, visited
from web_server import rest_of, serving, site, talk

from digest.web import app
from digest.web.limits import BodyLimits
from digest.web.log import Line, Log
from digest.web.server import listen, url_of
from digest.web.serving import whole
from digest.web.shelf import Shelf
from digest.web.site import AtHand, StaticSite

MOST, SECONDS = 4_000, 0.6
SECRETS = (b"id_host", b"SQLite format", b"root:", b"postal_address", b"BEGIN ")
"""Stand in files beside the site, and in none of its pages."""

UP = (
    *("..", "%2e%2e", "%2E%2E", ".%2e", "%2e.", "%252e%252e", "%c0%ae%c0%ae", "%e0%80%ae%e0%80%ae", "..%00"),
    *("%uff0e%uff0e", "..;", "....", "..%20", "%ef%bc%8e%ef%bc%8e", "..%09", ".%00.", "%2e%2e%23", "..%3f"),
)
SLASHES = ("/", "%2f", "%2F", "//", "\\", "%5c", "%5C", "%252f", "%c0%af", "%e2%88%95", "/./", "%2f%2e%2f")
OTHERS = (
    *(
        "//etc/passwd",
        "/etc/passwd",
        "/%2fetc%2fpasswd",
        "///etc/passwd",
        "/file:///etc/passwd",
        "/C:/boot.ini",
    ),
    *(
        "/index.html%00.png",
        "/index.html/../../digest.toml",
        "/link",
        "/link/",
        "/folder/digest.toml",
        "/posts/..",
    ),
    *("/.digest/digest.db", "/~root/", "/con", "/.", "/..", "/...", "/" + "../" * 300, "/" + "a/" * 3_000),
    *(
        "/index.html%0d%0aSet-Cookie:%20a=b",
        "/%0d%0aLocation:%20https://evil.example.net/",
        "/%ff%fe",
        "/\xff",
    ),
)


@dataclass(frozen=True, kw_only=True)
class Open:
    """The web, its port, and what its log says."""

    web: Web
    url: str
    lines: list[Line]

    def ask(self, method: str, target: str, body: bytes = b"", **headers: str) -> bytes:
        """One request as bytes; whatever comes back until the connection ends."""
        named = {"Host": "baseline.example.org", "Connection": "close", **headers}
        if body and "Transfer-Encoding" not in named:
            named.setdefault("Content-Length", str(len(body)))
        head = f"{method} {target} HTTP/1.1\r\n" + "".join(f"{n}: {v}\r\n" for n, v in named.items())
        return talk(self.url, head.encode("latin-1") + b"\r\n" + body)


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Open]:
    root = tmp_path_factory.mktemp("opened") / "letter"
    with visited(root, SQLITE) as web:
        assert build(root, now=LETTER_NOW).code == 0
        (root / "public/link").symlink_to(root / "digest.toml")
        (root / "public/folder").symlink_to(root)
        lines: list[Line] = []
        site = StaticSite(Shelf(root / "public", web.desk.publication.site))
        whole = BodyLimits(app.make(web.desk, site), most=MOST, seconds=SECONDS)
        with serving(AtHand(Log(lines.append).around(whole), site)) as url:
            yield Open(web=web, url=url, lines=lines)


@pytest.fixture(scope="module")
def ring(opened: Open) -> Keyring:
    return keyring(opened.web)


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1]) if answer else 0


def headers(answer: bytes) -> bytes:
    return answer.partition(b"\r\n\r\n")[0].lower()


def posted(opened: Open, ring: Keyring) -> list[str]:
    """Where a form is sent to."""
    return [ring.opens(door) for door, methods in doors(opened.web) if "POST" in methods]


@pytest.mark.parametrize(("files", "lines"), [(True, 5), (False, 0)])
def test_each_request_for_a_file_has_a_line_where_that_is_asked_for(
    tmp_path: Path, files: bool, lines: int
) -> None:
    (tmp_path / "index.html").write_text("<!doctype html><title>Baseline</title>", "utf-8")
    found: list[Line] = []
    static = StaticSite(Shelf(tmp_path, site()))
    with serving(whole(static, static, Log(found.append, files=files))) as url:
        for _ in range(5):
            assert b"Baseline" in talk(url, b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert [(line.route, line.status) for line in found] == [("(a file)", 200)] * lines


def test_who_listens_everywhere_says_an_address_that_a_browser_opens() -> None:
    for address in ("0.0.0.0", "127.0.0.1"):
        with listen(address, 0) as listening:
            assert url_of(listening) == f"http://127.0.0.1:{listening.getsockname()[1]}"


# ------------------------------------------------------------------------------------- out of the folder


@pytest.mark.parametrize("start", ["/", "/posts/", "/leave/", "/subscribe/", "/static/"])
def test_no_path_leads_out_of_the_site(opened: Open, start: str) -> None:
    for up in UP:
        for slash in SLASHES:
            for depth in (1, 3):
                _leads_nowhere(opened, start + (up + slash) * depth + "digest.toml")


def test_no_other_way_leads_out_of_the_site_either(opened: Open) -> None:
    for target in OTHERS:
        _leads_nowhere(opened, target)
    for target in ("http://evil.example.net/../digest.toml", "http://evil.example.net/link", "*", "link"):
        _leads_nowhere(opened, target)


def _leads_nowhere(opened: Open, target: str) -> None:
    answer = opened.ask("GET", target)
    assert status(answer) in (301, 400, 404, 405), target
    assert not any(secret in answer for secret in SECRETS), target
    assert b"set-cookie" not in headers(answer)
    assert b"evil.example.net" not in headers(answer)
    for line in headers(answer).split(b"\r\n"):
        if line.startswith(b"location: "):
            assert line.startswith(b"location: /"), target
            assert not line.startswith((b"location: //", b"location: /\\")), target


# ------------------------------------------------------------------------------------------------ bodies


def test_a_body_that_is_too_large_is_refused_everywhere_and_changes_nothing(
    opened: Open, ring: Keyring
) -> None:
    before = content(opened.web.store)
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    chunked = {**form, "Transfer-Encoding": "chunked"}
    large = b"address=" + b"a" * MOST
    pieces = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in (large[:2_000], large[2_000:]))
    for path in posted(opened, ring):
        for answer in (
            opened.ask("POST", path, large, **form),
            opened.ask("POST", path, b"", **form, **{"Content-Length": "99999999999"}),
            opened.ask("POST", path, pieces + b"0\r\n\r\n", **chunked),
        ):
            assert status(answer) == 413, path
            assert b"x-content-type-options: nosniff" in headers(answer)
            assert b"cache-control: no-store" in headers(answer)
    assert content(opened.web.store) == before


def test_a_body_that_comes_too_slowly_is_refused_and_changes_nothing(opened: Open, ring: Keyring) -> None:
    before = content(opened.web.store)
    host, _, port = opened.url.removeprefix("http://").rpartition(":")
    waiting = []
    for path in posted(opened, ring):
        connection = socket.create_connection((host, int(port)), timeout=5)
        head = f"POST {path} HTTP/1.1\r\nHost: baseline.example.org\r\nContent-Length: 100\r\n\r\naddress=r"
        connection.sendall(head.encode())
        waiting.append(connection)
    began = time.monotonic()
    assert status(opened.ask("GET", "/subscribe/")) == 200  # the others do not wait for them
    assert time.monotonic() - began < SECONDS
    for connection in waiting:
        with connection:
            assert status(rest_of(connection)) == 408
    assert time.monotonic() - began < SECONDS + 3
    assert content(opened.web.store) == before


def test_a_form_whose_sender_goes_away_in_the_middle_changes_nothing(opened: Open, ring: Keyring) -> None:
    before = content(opened.web.store)
    host, _, port = opened.url.removeprefix("http://").rpartition(":")
    for path in posted(opened, ring):
        with socket.create_connection((host, int(port)), timeout=5) as connection:
            head = f"POST {path} HTTP/1.1\r\nHost: baseline.example.org\r\nContent-Length: 30\r\n\r\nuntil=20"
            connection.sendall(head.encode())
    time.sleep(SECONDS + 0.2)
    assert content(opened.web.store) == before


def test_two_requests_in_one_are_never_two(opened: Open, ring: Keyring) -> None:
    """A form that is long in one reading and short in another (RFC 9112, section 11.2)."""
    before = content(opened.web.store)
    leave = next(path for path in posted(opened, ring) if path.startswith("/leave/"))
    inner = f"POST {leave} HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n".encode()
    for named in (
        {"Content-Length": "4", "Transfer-Encoding": "chunked"},
        {"Transfer-Encoding": "chunked, identity"},
        {"Transfer-Encoding": "xchunked", "Content-Length": "4"},
        {"Content-Length": "4, 4"},
        {"Content-Length": "+4"},
        {"Content-Length": "4", "Content-Length ": "90"},
    ):
        answer = opened.ask("POST", "/subscribe/sent", b"0\r\n\r\n" + inner, **named)
        assert status(answer) == 400, named
        assert answer.count(b"HTTP/1.1 ") == 1
    assert content(opened.web.store) == before


# ------------------------------------------------------------------------------------------------ the log


def test_the_log_names_no_reader_no_token_and_no_visitor(opened: Open, ring: Keyring) -> None:
    opened.lines.clear()
    for door, methods in doors(opened.web):
        for method in sorted(methods | {"PUT"}):
            if "/erase/" not in door.path:
                opened.ask(method, ring.opens(door) + "?language=reader-17@example.org")
    said = repr(opened.lines)
    assert len(opened.lines) > 20
    for secret in (*ring.tokens.values(), "reader-17", "example.org", "127.0.0.1"):
        assert secret not in said
