"""A whole life over real SMTP and HTTP: signed up in a browser, confirmed, mailed, left by one click."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from urllib.parse import urlencode

import pytest
from browser import chromium
from playwright.sync_api import Browser, Page
from program import Ran, apart, letter, written
from serving import Served, free_port, served, until

from digest.testing.server import MailServer

READER = "reader-17@example.org"

SETTINGS = """\
[site]
title = "Baseline"
url = "{url}"
id_host = "baseline.example.org"
id_year = 2024
author = "The editors"
timezone = "Europe/London"

[newsletter]
sender = "Baseline <weekly@baseline.example.org>"
postal_address = "1 Example Street, London"
starts = 2024-10-01
welcome = "latest issue"

[delivery]
transport = "smtp"

[delivery.smtp]
host = "127.0.0.1"
port = {smtp}
security = "none"

[web]
port = {port}
"""


@dataclass(kw_only=True)
class Town:
    """A publication that is served, the mail server that its readers are at, and a browser."""

    project: Path
    web: Served
    post: MailServer
    browser: Browser
    seen: int = 0

    def run(self, *args: str) -> Ran:
        ran = apart("--project", self.project, "--json", *args)
        assert ran.code == 0, ran.err
        return ran

    def publish(self, title: str) -> None:
        """A new post, an issue of it, and its sending."""
        (self.project / "posts" / f"{title}.md").write_text(written(title), "utf-8")
        cut = self.run("issue", "cut").json
        number = str(cut["issue"])
        self.run("issue", "approve", number, "--hash", cut["hash"])
        self.run("send", number)

    def mail_to(self, address: str) -> EmailMessage:
        """The next mail to somebody, once the server has it."""
        found = until(lambda: [it for it in self.post.messages[self.seen :] if it.recipient == address])
        self.seen = self.post.messages.index(found[0]) + 1
        parsed = message_from_bytes(found[0].content, policy=default)
        assert isinstance(parsed, EmailMessage)
        return parsed

    def page(self) -> Page:
        page = self.browser.new_page(locale="en-GB")
        page.on("dialog", lambda _: pytest.fail("a dialog"))
        return page


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    port = free_port()
    with MailServer() as post, chromium() as browser:
        text = SETTINGS.format(url=f"http://127.0.0.1:{port}", smtp=post.port, port=port)
        project = letter(tmp_path / "letter", written("Zero"), settings=text)
        assert apart("--project", project, "build").code == 0
        with served(project, port) as web:
            yield Town(project=project, web=web, post=post, browser=browser)


def link(mail: EmailMessage, name: str) -> str:
    """The link to one of our pages that a mail carries in its text."""
    part = mail.get_body(("plain",))
    assert part
    found = re.search(rf"https?://\S+/{name}/[A-Za-z0-9-]+", part.get_content())
    assert found, part.get_content()
    return found[0]


@pytest.mark.browser
def test_a_reader_signs_up_reads_and_leaves(town: Town) -> None:
    page = town.page()
    page.goto(f"{town.web.url}/subscribe/")
    page.get_by_label(re.compile("address", re.I)).first.fill(READER)
    page.wait_for_timeout(2500)  # as long as people take: who is quicker is asked to wait
    page.get_by_role("button").first.click()
    page.wait_for_url("**/subscribe/sent*")

    confirmation = town.mail_to(READER)
    assert "List-Unsubscribe" not in confirmation
    address = link(confirmation, "confirm")
    for _ in range(3):  # a scanner looks at every link before its reader does
        assert town.web.ask(address).status == 200
    page.goto(address)
    page.get_by_role("button").first.click()
    page.get_by_text("You are signed up").first.wait_for()

    town.publish("First")
    issue = town.mail_to(READER)
    assert issue["Subject"].startswith("First")
    page.goto(link(issue, "reader"))
    page.get_by_text(READER).first.wait_for()

    one_click = re.search(r"<(http[^>]+)>", issue["List-Unsubscribe"])
    assert one_click
    body = urlencode({"List-Unsubscribe": "One-Click"}).encode()
    assert town.web.ask(one_click[1], body).status == 200

    town.publish("Second")
    assert [it.recipient for it in town.post.messages[town.seen :]] == []
    shown = town.run("subscribers", "show", READER).json
    assert [line["act"] for line in shown["consents"]] == ["signed up", "confirmed", "left"]


@pytest.mark.browser
def test_who_confirms_gets_the_latest_issue_at_once(town: Town) -> None:
    town.run("subscribers", "add", "reader-1@example.org", "--confirmed")
    town.publish("First")
    town.mail_to("reader-1@example.org")
    page = town.browser.new_context(java_script_enabled=False).new_page()
    page.goto(f"{town.web.url}/subscribe/")
    page.get_by_label(re.compile("address", re.I)).first.fill(READER)
    page.get_by_role("button").first.click()
    page.wait_for_timeout(20_500)  # the slower way, without JavaScript
    page.get_by_role("button").first.click()
    page.wait_for_url("**/subscribe/sent*")
    page.goto(link(town.mail_to(READER), "confirm"))
    page.get_by_role("button").first.click()
    welcome = town.mail_to(READER)
    assert welcome["Subject"].startswith("First")
    assert "/leave/" in str(welcome["List-Unsubscribe"])
    status = town.run("status", "1").json
    assert (status["candidates"], status["accepted"]) == (1, 1)
