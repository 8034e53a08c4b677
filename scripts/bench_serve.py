"""Times the web: what feed readers ask for, answered by digest and by nginx from the same folder.

Each server has one processor to itself and wrk the other; they take turns, so that a machine that gets slower is
slower for both. A reader that has the feed asks with its tag and is answered 304; one that has not gets the whole
feed in gzip. Ratios are of figures of the same round. `CPU` is what the server itself used a request.

nginx is configured by the file that the build wrote. What readers ask for is timed afterwards (`bench_readers`).
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import bench_readers
from bench_build import digest_project, samples
from bench_servers import free_port, running, used

FEED = "atom.xml"
PACKED = {"Accept-Encoding": "gzip", "User-Agent": "bench (17 subscribers)"}
NGINX = """
daemon off; worker_processes 1; pid {here}/pid; error_log {here}/said;
events {{ worker_connections 512; }}
http {{
    access_log off; include /etc/nginx/mime.types; sendfile on; tcp_nopush on; keepalive_requests 100000000;
    client_body_temp_path {here}/1; proxy_temp_path {here}/2; fastcgi_temp_path {here}/3;
    uwsgi_temp_path {here}/4; scgi_temp_path {here}/5;
    include {written};
}}
"""


@dataclass(frozen=True)
class Speed:
    requests: float
    """A second."""
    cpu: float
    """Microseconds of the server's processor a request."""


@dataclass(frozen=True)
class Peer:
    """A server that runs: where it is, and the process that does the work."""

    url: str
    pid: int


# ------------------------------------------------------------------------------------- the servers


def serve(project: Path, port: int) -> None:
    """digest's own server over the built site, in a process of its own."""
    from digest.settings import load
    from digest.web.limits import BodyLimits
    from digest.web.server import Server, listen
    from digest.web.shelf import Shelf
    from digest.web.site import AtHand, StaticSite

    static = StaticSite(Shelf(project / "public", load(project).site))
    Server(BodyLimits(AtHand(static, static)), [listen("127.0.0.1", port)]).run()


@contextmanager
def digest(project: Path) -> Iterator[Peer]:
    port = free_port()
    with running([sys.executable, __file__, "--serve", str(project), "--port", str(port)], port) as pid:
        yield Peer(f"http://127.0.0.1:{port}/", pid)


@contextmanager
def nginx(project: Path, port: int) -> Iterator[Peer]:
    here = project / "nginx"
    here.mkdir()
    conf = here / "nginx.conf"
    conf.write_text(NGINX.format(here=here, written=project / ".digest/servers/nginx.conf"))
    with running(["nginx", "-c", str(conf), "-e", str(here / "said")], port) as pid:
        workers = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        yield Peer(f"http://127.0.0.1:{port}/", int(workers[0]))


# ------------------------------------------------------------------------------------- measuring


def unchanged(peer: Peer, seconds: int) -> Speed:
    """A reader that has the feed already."""
    request = urllib.request.Request(peer.url + FEED, headers=PACKED)
    with urllib.request.urlopen(request) as answer:
        tag = answer.headers["ETag"]
    return timed(peer, seconds, {**PACKED, "If-None-Match": tag}, body=False)


def whole(peer: Peer, seconds: int) -> Speed:
    """A reader that wants all of it, in gzip."""
    return timed(peer, seconds, PACKED, body=True)


MEASURES: dict[str, Callable[[Peer, int], Speed]] = {"304": unchanged, "whole feed, gzip": whole}


def timed(peer: Peer, seconds: int, headers: dict[str, str], *, body: bool) -> Speed:
    asked = [part for name, value in headers.items() for part in ("-H", f"{name}: {value}")]
    before = used(peer.pid)
    said = subprocess.run(
        ["taskset", "-c", "1", "wrk", "-t1", "-c16", f"-d{seconds}s", *asked, peer.url + FEED],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    cpu = used(peer.pid) - before
    count = int(re.findall(r"(\d+) requests in", said)[0])
    amount, unit = re.findall(r"([\d.]+)(KB|MB|GB) read", said)[0]
    each = float(amount) * {"KB": 1e3, "MB": 1e6, "GB": 1e9}[unit] / count
    if "Non-2xx" in said or (each > 2000) != body:
        raise SystemExit(f"{peer.url}: unexpected answers\n{said}")
    return Speed(float(re.findall(r"Requests/sec:\s+([\d.]+)", said)[0]), cpu / count * 1e6)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3, help="how long each server is asked in a round")
    parser.add_argument("--posts", type=int, default=200)
    bench_readers.add_options(parser)
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(options.serve, options.port)
        return
    if (os.cpu_count() or 1) < 2 or not all(map(shutil.which, ("nginx", "wrk", "taskset"))):
        raise SystemExit("needs two processors, nginx, wrk and taskset: apt install nginx wrk")
    with tempfile.TemporaryDirectory(prefix="bench-") as home:
        os.chmod(home, 0o755)  # nginx gives up root's rights before it reads
        if "feeds" in options.only:
            _compare(Path(home) / "letter", options)
        bench_readers.measure(Path(home) / "readers", options)


def _compare(project: Path, options: argparse.Namespace) -> None:
    port = free_port()
    command = digest_project(project, samples(options.posts))
    settings = project / "digest.toml"
    settings.write_text(settings.read_text().replace("https://bench.example.org", f"http://127.0.0.1:{port}"))
    subprocess.run(command, check=True, capture_output=True)
    feed = project / "public" / FEED
    packed = feed.with_name(f"{FEED}.gz").stat().st_size
    print(f"{FEED}: {feed.stat().st_size:,} bytes, {packed:,} in gzip; {options.rounds} rounds")
    with digest(project) as ours, nginx(project, port) as theirs:
        found: dict[str, list[tuple[Speed, Speed]]] = {name: [] for name in MEASURES}
        for _ in range(options.rounds):
            for name, measure in MEASURES.items():
                found[name].append((measure(ours, options.seconds), measure(theirs, options.seconds)))
    print(
        f"{'asked for':18} {'digest/s':>10} {'nginx/s':>10} {'ratio':>7} {'CPU us':>8} {'nginx':>8} {'ratio':>7}"
    )
    for name, pairs in found.items():
        middle = statistics.median
        print(
            f"{name:18} {middle(our.requests for our, _ in pairs):>10,.0f} "
            f"{middle(their.requests for _, their in pairs):>10,.0f} "
            f"{middle(our.requests / their.requests for our, their in pairs):>7.2f} "
            f"{middle(our.cpu for our, _ in pairs):>8.1f} {middle(their.cpu for _, their in pairs):>8.1f} "
            f"{middle(their.cpu / our.cpu for our, their in pairs):>7.2f}"
        )


if __name__ == "__main__":
    main()
