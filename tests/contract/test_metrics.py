"""What a watching program is told: the author's own figures, in Prometheus's format, and no reader."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
import yaml
from audience import NOW, approve, begun, subscribe, suppress
from postgres import SQLITE
from program import ROOT, SETTINGS, letter
from prometheus_client.parser import text_string_to_metric_families

from digest import settings
from digest.model import IssueState, Notice, NoticeKind, ServiceMailKind, SubscriberState
from digest.settings import Settings
from digest.store import Store, schema, service_mails
from digest.store.sign_ups import Caps, Form
from digest.subscribers.addresses import read_address
from digest.web.metrics import Watch, health

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
THURSDAY = datetime(2024, 11, 21, 12, 0, tzinfo=UTC)
"""Nineteen hours before an issue goes."""


@pytest.fixture
def store(store_url: str, tmp_path: Path) -> Iterator[Store]:
    with Store.open(store_url, project=tmp_path) as store:
        yield store


@dataclass
class Looks:
    """A program that looks at a newsletter again and again."""

    settings: Settings
    watch: Watch = field(default_factory=Watch)

    def at(self, store: Store, now: datetime) -> dict[str, float]:
        """Every sample, as `name{label=value}`."""
        text = self.watch.metrics(self.settings, store, now).decode()
        found = {}
        for family in text_string_to_metric_families(text):
            assert family.documentation
            for sample in family.samples:
                labels = ",".join(f"{name}={value}" for name, value in sorted(sample.labels.items()))
                found[sample.name.removeprefix("digest_") + (f"{{{labels}}}" if labels else "")] = (
                    sample.value
                )
        return found


@pytest.fixture
def looks(tmp_path: Path) -> Looks:
    return Looks(settings.load(letter(tmp_path / "letter"), {}))


def change(store: Store, statement: str) -> None:
    with store.engine.execution_options(digest_writes=True).begin() as connection:
        connection.exec_driver_sql(statement)


def test_the_deliveries_of_an_issue_add_up_as_its_accounting_does(store: Store, looks: Looks) -> None:
    begun(store, 10)
    change(store, "UPDATE delivery SET state = 'accepted' WHERE place < 5")
    change(store, "UPDATE delivery SET state = 'refused' WHERE place = 5")
    change(store, "UPDATE delivery SET state = 'uncertain' WHERE place = 6")
    found = looks.at(store, NOW + HOUR)
    parts = {
        name: int(found[f"deliveries{{issue=1,outcome={name}}}"])
        for name in (*("accepted", "refused", "suppressed", "uncertain", "waiting"),)
    }
    assert parts == {"accepted": 5, "refused": 1, "suppressed": 0, "uncertain": 1, "waiting": 3}
    assert found["issue_state{issue=1,state=sending}"] == 1
    assert found["oldest_waiting_delivery_age_seconds"] == 3600


def test_once_nothing_waits_nothing_has_an_age_and_the_last_issue_is_still_shown(
    store: Store, looks: Looks
) -> None:
    begun(store, 3)
    change(store, "UPDATE delivery SET state = 'accepted'")
    store.life.sent(1, NOW + HOUR)
    found = looks.at(store, NOW + DAY)
    assert found["deliveries{issue=1,outcome=accepted}"] == 3
    assert found["oldest_waiting_delivery_age_seconds"] == 0


def test_what_takes_long_is_counted_once_a_minute_and_the_rest_at_each_look(
    store: Store, looks: Looks
) -> None:
    subscribe(store, range(1, 4))
    counted: list[str] = []
    sa.event.listen(store.engine, "before_cursor_execute", lambda *it: counted.append(it[2]))
    for second in (0, 30, 59):
        assert looks.at(store, NOW + timedelta(seconds=second))["subscribers{state=confirmed}"] == 3
    assert len([it for it in counted if "FROM subscriber" in it]) == 1
    subscribe(store, [4])
    store.notices.add(Notice(kind=NoticeKind.CLOCK, says="", cure="", at=NOW))
    found = looks.at(store, NOW + timedelta(seconds=59))
    assert (found["subscribers{state=confirmed}"], found["notices_open"]) == (3, 1)
    assert found["counted_timestamp_seconds"] == NOW.timestamp()
    assert looks.at(store, NOW + timedelta(seconds=60))["subscribers{state=confirmed}"] == 4


def test_a_clock_that_is_set_back_keeps_no_figure_standing(store: Store, looks: Looks) -> None:
    looks.at(store, NOW)
    subscribe(store, [1])
    assert looks.at(store, NOW - DAY)["subscribers{state=confirmed}"] == 1


def test_the_next_issue_is_the_slot_to_come_and_its_cutoff(store: Store, looks: Looks) -> None:
    found = looks.at(store, THURSDAY)
    sends, cutoff = found["next_issue_timestamp_seconds"], found["next_cutoff_timestamp_seconds"]
    assert (sends, cutoff) == ((THURSDAY + 19 * HOUR).timestamp(), (THURSDAY + 7 * HOUR).timestamp())


def test_an_issue_that_has_not_begun_at_its_time_is_seen_to_be_late(store: Store, looks: Looks) -> None:
    approve(store, 1, sends=THURSDAY - 2 * HOUR, cutoff=THURSDAY - 14 * HOUR)
    assert looks.at(store, THURSDAY)["next_issue_timestamp_seconds"] == (THURSDAY - 2 * HOUR).timestamp()
    for draft in (IssueState.HELD, IssueState.CANCELLED):  # what its author decided is not late
        change(store, f"UPDATE issue SET state = '{draft.value}'")
        assert looks.at(store, THURSDAY)["next_issue_timestamp_seconds"] > THURSDAY.timestamp()


def test_a_site_without_a_newsletter_has_no_next_issue(store: Store, tmp_path: Path) -> None:
    site = letter(tmp_path / "site", settings=SETTINGS.partition("[news")[0])
    found = Looks(settings.load(site, {})).at(store, NOW)
    assert [name for name in found if "next" in name] == []


def test_sign_ups_and_what_answers_them_are_counted(store: Store, looks: Looks) -> None:
    caps = Caps(network=None, domain=None, all=None)
    for number, hours in ((1, 30), (2, 2), (3, 1)):
        at = NOW - hours * HOUR
        form = Form(
            address=read_address(f"reader-{number}@example.org"),
            network="192.0.2.0/24",
            language="en",
            words="",
            how="",
            spent=str(number),
        )
        store.sign_ups.take(form, caps, at)
    found = looks.at(store, NOW)
    assert found["sign_ups_day{step=taken}"] == 2
    assert (found["sign_ups_waiting"], found["sign_ups_oldest_age_seconds"]) == (3, 30 * 3600)
    store.sign_ups.settle(NOW - HOUR)
    found = looks.at(store, NOW + HOUR)
    assert (found["sign_ups_waiting"], found["sign_ups_oldest_age_seconds"]) == (0, 0)
    assert found["subscribers{state=pending}"] == 3
    assert (found["service_mails_waiting"], found["service_mails_oldest_age_seconds"]) == (3, 7200)
    assert found["service_mails{state=queued}"] == 3
    change(store, "UPDATE subscriber SET state = 'confirmed'")
    with store.engine.execution_options(digest_writes=True).begin() as connection:
        connection.execute(sa.update(schema.subscriber).values(confirmed_at=NOW + HOUR))
    found = looks.at(store, NOW + 2 * HOUR)
    assert (found["sign_ups_day{step=confirmed}"], found["subscribers{state=confirmed}"]) == (3, 3)


def test_readers_suppressions_feeds_and_the_hub_are_counted(store: Store, looks: Looks) -> None:
    subscribe(store, range(1, 4))
    subscribe(store, [4], SubscriberState.LEFT)
    suppress(store, 4)
    change(store, "UPDATE suppression SET reason = 'unsubscribed'")
    store.feed_readers.note({("atom.xml", "Feedly"): 16, ("atom.xml", "Feedbin"): 4}, NOW.date())
    store.pings.want({"atom.xml": "one", "feed.xml": "one"}, NOW - HOUR)
    found = looks.at(store, NOW)
    assert found["subscribers{state=confirmed}"] == 3
    assert found["subscribers{state=left}"] == 1
    assert found["suppressed_addresses{reason=unsubscribed}"] == 1
    assert found["feed_readers{feed=atom.xml}"] == 20
    assert (found["hub_pings_waiting"], found["hub_pings_oldest_age_seconds"]) == (2, 3600)


def test_no_figure_names_a_reader(store: Store, looks: Looks) -> None:
    begun(store, 5)
    suppress(store, 1)
    with store.engine.execution_options(digest_writes=True).begin() as connection:
        kind = ServiceMailKind.CONFIRM
        service_mails.put(connection, kind, mark="0" * 32, subscriber=1, language="en", now=NOW)
    text = looks.watch.metrics(looks.settings, store, NOW).decode()
    assert not re.search(r"@|reader-|[0-9a-f]{16}", text)


def test_the_manual_names_every_figure_and_its_alerts_watch_no_other(store: Store, looks: Looks) -> None:
    text = looks.watch.metrics(looks.settings, store, NOW).decode()
    there = set(re.findall(r"^# TYPE (\S+) gauge$", text, re.M))
    page = (ROOT / "docs/operations.md").read_text("utf-8")
    table = page.partition("| figure | says |")[2].partition("\n\n")[0]
    assert set(re.findall(r"digest_\w+", table)) == there
    rules = yaml.safe_load(re.findall(r"^```yaml\n(groups:.*?)^```$", page, re.M | re.S)[0])
    watched = [rule["expr"] for group in rules["groups"] for rule in group["rules"]]
    assert len(watched) >= 10
    assert {name for rule in watched for name in re.findall(r"digest_\w+", rule)} <= there


# -------------------------------------------------------------------------------------------- healthz


def test_all_is_well_where_the_store_can_be_read_and_the_site_is_there(store: Store, tmp_path: Path) -> None:
    assert (health(store, tmp_path).status, json.loads(health(store, tmp_path).body)) == (
        503,
        {"status": "trouble", "store": "ok", "site": "not built"},
    )
    (tmp_path / "index.html").touch()
    assert (health(store, tmp_path).status, json.loads(health(store, tmp_path).body)) == (
        200,
        {"status": "ok", "store": "ok", "site": "ok"},
    )


def test_a_store_that_cannot_be_read_is_said_without_its_address(tmp_path: Path) -> None:
    (tmp_path / "index.html").touch()
    with Store.open(SQLITE, project=tmp_path) as store:
        change(store, "ALTER TABLE fence RENAME TO away")
        found = health(store, tmp_path)
    assert found.status == 503
    assert json.loads(found.body) == {"status": "trouble", "store": "cannot be read", "site": "ok"}
