"""The hub hears of each feed that changed, once, in whatever state it, the store or we are."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from time import monotonic

import pytest
from hub_server import Hub, hub_server
from program import SETTINGS, build, digest, edit, letter, written

from digest import hub as hubs
from digest.hub import Answer, Post, Told, may_lead, tell
from digest.model import Site
from digest.store import Store

NOW = datetime(2024, 11, 20, 9, 0, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
ALL = [
    *("atom.xml", "feed.json", "feed.xml"),
    *("issues/atom.xml", "issues/feed.json", "issues/feed.xml"),
    *("tags/lupus/atom.xml", "tags/lupus/feed.json", "tags/lupus/feed.xml"),
]


@pytest.fixture
def hub() -> Iterator[Hub]:
    with hub_server() as hub:
        yield hub


class Sites:
    """A folder of feeds, a store, and a clock that a test sets."""

    def __init__(self, folder: Path, store: Store, hub: Hub) -> None:
        self.folder, self.store, self.hub, self.now = folder, store, hub, NOW
        self.url = hub.url

    def write(self, **feeds: str) -> None:
        for name, text in feeds.items():
            (self.folder / f"{name}.xml").write_text(text, "utf-8")

    def tell(self, *, all_untold: bool = False, post: Post | None = None) -> Told:
        site = Site(title="Baseline", url="https://baseline.example.org", author="", hub=self.url)
        feeds = [path.name for path in sorted(self.folder.iterdir())]
        return tell(site, self.store, self.folder, feeds, self.clock, all_untold=all_untold, post=post)

    def clock(self) -> datetime:
        return self.now


@pytest.fixture
def sites(tmp_path: Path, hub: Hub, store_url: str) -> Iterator[Sites]:
    """Two feeds of which the hub has heard."""
    (tmp_path / "public").mkdir()
    with Store.open(store_url, project=tmp_path) as store:
        sites = Sites(tmp_path / "public", store, hub)
        sites.write(a="one", b="one")
        assert str(sites.tell()) == "2 feeds changed; the hub has heard of 2"
        assert hub.feeds == ["a.xml", "b.xml"]
        yield sites


# ------------------------------------------------------------------------------------------ what is told


def test_a_feed_that_changed_is_told_once_and_the_others_are_not(sites: Sites) -> None:
    sites.write(a="two")
    assert str(sites.tell()) == "1 feed changed; the hub has heard of 1"
    assert sites.hub.feeds == ["a.xml"]
    assert [str(sites.tell()), sites.hub.feeds] == ["", []]


def test_a_hub_is_told_of_the_public_address_under_both_names_and_of_nothing_else(sites: Sites) -> None:
    sites.write(a="two")
    sites.tell()
    heard = sites.hub.heard[0]
    feed = ["https://baseline.example.org/a.xml"]
    assert heard.form == {"hub.mode": ["publish"], "hub.url": feed, "hub.topic": feed}
    assert heard.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert heard.headers.keys() <= {
        *("Accept-Encoding", "Content-Length", "Host", "User-Agent", "Content-Type", "Connection"),
    }


def test_another_hub_is_told_of_all(sites: Sites) -> None:
    sites.url += "new/"
    sites.tell()
    assert sorted({it.path for it in sites.hub.heard}) == ["/new/"]
    assert sites.hub.feeds == ["a.xml", "b.xml"]


def test_a_feed_that_is_gone_is_forgotten_and_told_when_it_is_back(sites: Sites) -> None:
    (sites.folder / "b.xml").unlink()
    assert [str(sites.tell()), sites.hub.feeds] == ["", []]
    sites.write(b="one")
    sites.tell()
    assert sites.hub.feeds == ["b.xml"]


def test_without_a_hub_nothing_happens(sites: Sites) -> None:
    sites.url = ""
    sites.write(a="two")
    assert sites.tell() == Told()
    assert sites.hub.feeds == []


# ------------------------------------------------------------------------------------------ told again


def test_a_hub_that_is_not_at_work_is_left_alone_for_a_minute_and_told_of_all_then(sites: Sites) -> None:
    sites.hub.status, sites.hub.says = 503, b"<b>later</b>\nplease"
    sites.write(a="two", b="two")
    told = sites.tell()
    assert str(told) == (
        "2 feeds changed; the hub has heard of 0; "
        "2 feeds to be told later: 127.0.0.1 says 503 (<b>later</b> please)"
    )
    assert len(sites.hub.feeds) == 1  # the other would fare no better
    assert [str(sites.tell()), sites.hub.feeds] == ["", []]
    sites.hub.status = 204
    sites.now += MINUTE
    assert str(sites.tell()) == "the hub has heard of 2"
    assert sites.hub.feeds == ["a.xml", "b.xml"]


def test_the_pauses_grow_from_a_minute_to_four_hours_and_stay_there(sites: Sites) -> None:
    sites.hub.status = 500
    sites.write(a="two")
    for pause in (MINUTE, 4 * MINUTE, 16 * MINUTE, 64 * MINUTE, 4 * HOUR, 4 * HOUR, 4 * HOUR):
        sites.tell()
        assert sites.hub.feeds == ["a.xml"]
        sites.now += pause - timedelta(seconds=1)
        assert sites.tell().heard == 0
        assert sites.hub.feeds == []
        sites.now += timedelta(seconds=1)


def test_a_change_in_the_meantime_is_told_at_once(sites: Sites) -> None:
    sites.hub.status = 500
    sites.write(a="two")
    sites.tell()
    sites.hub.status = 202
    sites.write(a="three")
    assert sites.tell().heard == 1


def test_a_feed_that_goes_back_to_what_it_was_is_told_if_the_hub_may_have_seen_the_other(
    sites: Sites,
) -> None:
    sites.hub.status = 500
    sites.write(a="two")
    sites.tell()
    sites.hub.status = 204
    sites.write(a="one")
    assert sites.tell().heard == 1


def test_a_hub_that_refuses_one_feed_hears_of_the_others(sites: Sites) -> None:
    sites.hub.refuses = {"a.xml"}
    sites.write(a="two", b="two")
    told = sites.tell()
    assert (told.heard, told.waiting, told.trouble) == (1, 1, "127.0.0.1 says 404")


def test_who_asks_by_hand_waits_for_no_pause(sites: Sites) -> None:
    sites.hub.status = 500
    sites.write(a="two")
    sites.tell()
    sites.hub.status = 204
    assert sites.tell().heard == 0
    assert sites.tell(all_untold=True).heard == 1


def test_a_crash_between_the_ping_and_its_record_repeats_it_once(sites: Sites) -> None:
    sites.write(a="two")

    class Crash(Exception):
        pass

    def crashes(hub: str, body: bytes) -> Answer:
        hubs.send(hub, body)
        raise Crash

    with pytest.raises(Crash):
        sites.tell(post=crashes)
    for _ in range(5):
        sites.tell()
        sites.now += MINUTE
    assert sites.hub.feeds == ["a.xml", "a.xml"]


def test_two_programs_that_look_at_once_tell_of_a_feed_once(sites: Sites) -> None:
    pings = sites.store.pings
    pings.want({"a.xml": "two"}, NOW)
    (first,), (second,) = pings.untold(NOW), pings.untold(NOW)
    assert [pings.begin(first, NOW), pings.begin(second, NOW)] == [True, False]


# ----------------------------------------------------------------------------------- hubs that misbehave


def test_a_hub_that_hangs_costs_seconds(sites: Sites) -> None:
    sites.write(a="two", b="two")
    for misbehaves in ("hangs", "drips"):
        setattr(sites.hub, misbehaves, True)
        began = monotonic()
        told = sites.tell(post=partial(hubs.send, within=0.3))
        assert (told.heard, told.waiting) == (0, 2)
        assert "has not answered" in told.trouble
        assert monotonic() - began < 3
        sites.now += HOUR


def test_a_hub_that_is_not_there_is_named(sites: Sites) -> None:
    sites.url = "http://127.0.0.1:9/"
    assert sites.tell().trouble.startswith("127.0.0.1 cannot be reached")


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_one_redirect_is_followed_and_the_form_goes_along(hub: Hub, status: int) -> None:
    hub.status, hub.leads_to = status, "/moved"
    assert hubs.send(hub.url, hubs.form("https://baseline.example.org/a.xml")).heard
    assert [it.path for it in hub.heard] == ["/", "/moved"]
    assert hub.heard[0].body == hub.heard[1].body


def test_a_second_redirect_and_one_out_of_tls_or_into_this_machine_are_not_followed(hub: Hub) -> None:
    hub.status, hub.leads_to = 307, "/again"
    answer = hubs.send(hub.url, hubs.form("https://baseline.example.org/a.xml"))
    assert (answer.heard, len(hub.heard)) == (False, 2)
    hub.heard.clear()
    hub.leads_to = "http://hub.example.org/"
    answer = hubs.send(hub.url, hubs.form("https://baseline.example.org/a.xml"))
    assert (answer.says, len(hub.heard)) == ("leads to an address that is not followed", 1)


@pytest.mark.parametrize(
    ("hub", "there", "may"),
    [
        ("https://hub.example.org/", "https://hub.example.com/", True),
        ("http://127.0.0.1:80/", "http://localhost:90/", True),
        ("https://hub.example.org/", "http://hub.example.org/", False),
        ("https://hub.example.org/", "http://127.0.0.1/", False),
        ("https://hub.example.org/", "http://[::1]/", False),
        ("http://hub.example.org/", "http://127.0.0.1/", False),
        ("http://127.0.0.1/", "file:///etc/hostname", False),
        ("http://127.0.0.1/", "ftp://127.0.0.1/", False),
    ],
)
def test_where_a_hub_may_lead(hub: str, there: str, may: bool) -> None:
    assert may_lead(hub, there) is may


def test_a_long_answer_is_not_read_and_a_strange_one_is_one_short_line(hub: Hub) -> None:
    hub.status, hub.says = 400, b"\x1b[31mno\r\n\x00" + b"x" * 5_000_000
    answer = hubs.send(hub.url, b"hub.mode=publish&hub.url=a")
    assert answer.status == 400
    assert len(answer.says) < 200
    assert answer.says.isprintable()


# --------------------------------------------------------------------------------------- the whole program


@pytest.fixture
def project(tmp_path: Path, hub: Hub) -> Path:
    settings = SETTINGS.replace("[newsletter]", f'hub = "{hub.url}"\n\n[newsletter]')
    return letter(tmp_path / "letter", written("One", tags="[lupus]"), settings=settings)


def test_a_build_tells_of_every_feed_that_names_the_hub_and_then_of_those_that_changed(
    project: Path, hub: Hub
) -> None:
    assert "9 feeds changed; the hub has heard of 9." in build(project, "--ping").out
    assert hub.feeds == ALL
    named = [
        path.relative_to(project / "public").as_posix()
        for path in (project / "public").rglob("*")
        if path.suffix in (".xml", ".json") and hub.url.encode() in path.read_bytes()
    ]
    assert sorted(named) == ALL
    assert "No feed has changed since the hub was told." in build(project, "--ping").out
    edit(project, "posts/one.md", "Five were", "Six were")
    build(project)
    assert hub.feeds == []
    assert "6 feeds changed; the hub has heard of 6." in build(project, "--ping").out
    assert hub.feeds == [name for name in ALL if not name.startswith("issues/")]


def test_a_build_whose_hub_is_away_ends_with_1_and_says_what_to_do(project: Path, hub: Hub) -> None:
    hub.status = 503
    ran = build(project, "--ping")
    assert ran.code == 1
    assert "9 feeds to be told later: 127.0.0.1 says 503" in ran.out
    assert "digest build --ping tells it again" in ran.err
    hub.status = 204
    ran = digest("--project", project, "--now", "2024-11-20T09:00", "--json", "build", "--ping")
    assert (ran.code, ran.json["hub"]) == (0, {"changed": 0, "heard": 9, "waiting": 0, "trouble": ""})


def test_the_hub_hears_of_nothing_that_readers_may_not_see(project: Path, hub: Hub) -> None:
    assert "--drafts do not go together" in build(project, "--ping", "--drafts").err
    assert "do not go together" in build(project, "--ping", now="2999-01-01").err
    edit(project, "digest.toml", f'hub = "{hub.url}"\n', "")
    assert "the settings name no hub" in build(project, "--ping").err
    assert hub.feeds == []


def test_a_hub_that_is_no_address_is_a_mistake_in_the_settings(project: Path, hub: Hub) -> None:
    edit(project, "digest.toml", hub.url, "hub.example.org")
    assert "write the whole address" in build(project).err


def test_a_run_tells_the_hub_after_its_build(project: Path, hub: Hub) -> None:
    clock = ("--project", project, "--now", "2024-11-20T09:00")
    ran = digest(*clock, "run", "--once")
    assert "9 feeds changed; the hub has heard of 9" in ran.err
    assert hub.feeds == ALL
    assert "the hub" not in digest(*clock, "run", "--once").err
    assert hub.feeds == []


def test_a_run_under_a_clock_that_runs_ahead_tells_the_hub_nothing(project: Path, hub: Hub) -> None:
    digest("--project", project, "--now", "2999-01-01", "run", "--once")
    assert hub.feeds == []
