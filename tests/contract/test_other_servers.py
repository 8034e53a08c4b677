"""nginx, Caddy and Apache serve the site as `digest build` tells them to: each is started and asked."""

from __future__ import annotations

import gzip
import os
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from manners import Profile, ask, complaints
from program import SETTINGS, build, letter, written

from digest.publish.servers import DYNAMIC
from digest.publish.serving import POLICY
from digest.web.server import listen

HUB = "https://hub.example.org/"
NGINX = """
daemon off; worker_processes 1; pid {here}/pid; error_log {here}/said;
events {{ worker_connections 64; }}
http {{
    access_log off; include /etc/nginx/mime.types; default_type application/octet-stream; gzip on;
    client_body_temp_path {here}/1; proxy_temp_path {here}/2; fastcgi_temp_path {here}/3;
    uwsgi_temp_path {here}/4; scgi_temp_path {here}/5;
    include "{written}/nginx.conf";
}}
"""
CADDY = '{{\n\tadmin off\n}}\nimport "{written}/Caddyfile"\n'
MODULES = """
alias authz_core authz_host autoindex deflate dir env filter headers mime mpm_event negotiation proxy
proxy_http rewrite setenvif
"""
APACHE = """
ServerRoot "{here}"
PidFile "{here}/pid"
ErrorLog "{here}/said"
DefaultRuntimeDir "{here}"
ServerName 127.0.0.1
Listen 127.0.0.1:{port}
TypesConfig /etc/mime.types
AddType application/x-gzip .gz .tgz
AddOutputFilterByType DEFLATE text/html text/plain text/xml
<Directory />
    Require all denied
</Directory>
Include "{written}/apache.conf"
"""


def _nginx(conf: Path) -> list[str]:
    return ["nginx", "-c", str(conf), "-e", str(conf.with_name("said"))]


def _caddy(conf: Path) -> list[str]:
    return ["caddy", "run", "--config", str(conf), "--adapter", "caddyfile"]


def _apache(conf: Path) -> list[str]:
    return ["apache2", "-f", str(conf), "-DFOREGROUND"]


LOADS = "\n".join(
    f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so" for name in MODULES.split()
)
SERVERS: dict[str, tuple[str, Callable[[Path], list[str]]]] = {
    "nginx": (NGINX, _nginx),
    "caddy": (CADDY, _caddy),
    "apache": (LOADS + APACHE, _apache),
}


@dataclass(frozen=True, kw_only=True)
class Running:
    url: str
    """Of the front page, with a slash at its end."""
    public: Path


class Upstream(BaseHTTPRequestHandler):
    """Stands where `digest serve` would: tells which path was asked for, on whose behalf."""

    def do_POST(self) -> None:
        body = f"{self.path} {self.headers.get_all('X-Forwarded-For')}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def upstream() -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Upstream) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


@pytest.fixture(
    scope="module", params=[(name, path) for name in SERVERS for path in ("", "/letter")], ids=str
)
def running(request: pytest.FixtureRequest, upstream: int) -> Iterator[Running]:
    """A server of each kind with a site at its root, and one with a site below a path."""
    name, path = request.param
    with tempfile.TemporaryDirectory(prefix="digest-served-") as folder:
        os.chmod(folder, 0o755)  # servers give up root's rights before they read
        port = free_port()
        settings = SETTINGS.replace(
            'url = "https://baseline.example.org"', f'url = "http://127.0.0.1:{port}{path}"\nhub = "{HUB}"'
        )
        body = "[Counts](counts.csv)\n\n" + "Five were treated. " * 60
        project = letter(
            Path(folder) / "a letter",
            *(written(title, tags="[topic]", body=body) for title in ("One", "Two")),
            settings=f"{settings}\n[web]\nport = {upstream}\n",
        )
        (project / "posts/counts.csv").write_text("week,count\n1,5\n")
        assert build(project).code == 0
        aged(project / "public")
        with started(name, project / ".digest/servers", Path(folder) / "run", port):
            yield Running(url=f"http://127.0.0.1:{port}{path}/", public=project / "public")


def free_port() -> int:
    with listen("127.0.0.1", 0) as one:
        return int(one.getsockname()[1])


def aged(folder: Path) -> None:
    """Make it two days old: Apache takes no If-Modified-Since of the future, and we ask for one after it."""
    for path in folder.rglob("*"):
        os.utime(path, (time.time() - 172_800,) * 2)


@contextmanager
def started(name: str, written: Path, here: Path, port: int) -> Iterator[None]:
    text, command = SERVERS[name]
    here.mkdir()
    conf = here / "conf"
    conf.write_text(text.format(here=here, written=written, port=port))
    path = f"{os.environ['PATH']}:/usr/sbin"
    arguments = command(conf)
    program = shutil.which(arguments[0], path=path)
    assert program, f"{arguments[0]} is not installed: apt install nginx caddy apache2"
    homes = dict.fromkeys(("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"), str(here))
    with (here / "log").open("wb") as log:
        process = subprocess.Popen(
            [program, *arguments[1:]], env={**os.environ, **homes}, stdout=log, stderr=log
        )
        try:
            wait(process, port, here)
            yield
        finally:
            process.terminate()
            process.wait(20)


def wait(process: subprocess.Popen[bytes], port: int, here: Path) -> None:
    for _ in range(200):
        if process.poll() is not None:
            break
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.05)
    pytest.fail("\n".join(path.read_text() for path in (here / "log", here / "said") if path.exists()))


# ------------------------------------------------------------------------------------------ tests


def test_feeds_are_served_as_their_readers_need_them(running: Running) -> None:
    feeds = {
        "atom.xml": "application/atom+xml",
        "feed.xml": "application/rss+xml",
        "feed.json": "application/feed+json",
        "tags/topic/feed.xml": "application/rss+xml",
    }
    found = {
        name: complaints(running.url + name, media_type, Profile.STATIC, hub=True)
        for name, media_type in feeds.items()
    }
    assert [(name, said) for name, said in found.items() if said] == []
    for coding in ("gzip", "br"):
        link = ask(f"{running.url}atom.xml", accept_encoding=coding).header("link")
        assert f'<{running.url}atom.xml>; rel="self"' in link


def test_other_files_have_their_types_and_lifetimes(running: Running) -> None:
    for name, media_type, seconds in (
        ("", "text/html", 300),
        ("posts/one/", "text/html", 300),
        ("feeds.opml", "text/x-opml", 3600),
        ("files/counts.csv", "text/csv", 86400),
        ("style.css", "text/css", 3600),
        ("sitemap.xml", "xml", 3600),
    ):
        got = ask(running.url + name)
        assert media_type in got.header("content-type")
        assert got.header("content-type").lower().endswith("charset=utf-8")
        assert got.header("cache-control") == f"public, max-age={seconds}"
        assert got.header("x-content-type-options") == "nosniff"
    page = ask(f"{running.url}posts/one/", accept_encoding="gzip")
    assert gzip.decompress(page.body) == (running.public / "posts/one/index.html").read_bytes()


@pytest.mark.parametrize("path", ["posts/one/", "nothing/"])
def test_pages_and_the_one_for_a_wrong_address_keep_the_policy(running: Running, path: str) -> None:
    got = ask(running.url + path)
    assert got.status == (404 if path == "nothing/" else 200)
    assert got.header("content-security-policy") == POLICY
    assert got.header("referrer-policy") == "same-origin"
    if path == "nothing/":
        assert got.body == (running.public / "404.html").read_bytes()


def test_a_folder_leads_to_its_page(running: Running) -> None:
    got = ask(f"{running.url}posts/one")
    assert got.status in (301, 308)
    assert got.header("location").endswith("/posts/one/")


def test_nothing_outside_the_site_and_nothing_hidden_is_served(running: Running) -> None:
    (running.public / ".hidden").write_text("hidden")
    for path in (
        ".hidden",
        "../digest.toml",
        "%2e%2e/digest.toml",
        "..%2fdigest.toml",
        "posts/../../digest.toml",
    ):
        got = ask(running.url + path)
        assert got.status in (400, 403, 404)
        assert b"postal_address" not in got.body
        assert got.body != b"hidden"


def test_what_is_no_file_is_passed_on_with_the_address_of_who_asks(running: Running) -> None:
    base = "/" + running.url.split("/", 3)[3]
    for name in DYNAMIC:
        got = ask(f"{running.url}{name}/a?b=c", "POST", b"d=e", x_forwarded_for="192.0.2.17")
        assert got.body.decode() == f"{base}{name}/a?b=c ['127.0.0.1']"
        assert "public" not in got.header("cache-control")
