"""The sample publication's mail, feeds and a page, byte for byte as they were last looked at.

`pytest --update-golden` writes the files anew; their diff is read like code.
"""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from builders import addressee
from conftest import Golden, Sample

from digest import settings
from digest.compose import answer
from digest.model import ServiceMailKind
from digest.render.service_mail import service_email
from digest.theme import Theme


@pytest.mark.parametrize("ending", ["html", "txt", "eml"])
def test_the_next_issues_mail_is_as_it_was(sample: Sample, golden: Golden, ending: str) -> None:
    assert golden.changes(f"issue-6.{ending}", sample.mail(ending).read_bytes()) == []


@pytest.mark.parametrize("name", ["atom.xml", "feed.xml", "feed.json"])
def test_the_feed_of_posts_is_as_it_was(sample: Sample, golden: Golden, name: str) -> None:
    assert golden.changes(name, (sample.site / name).read_bytes()) == []


def test_a_posts_page_is_as_it_was(sample: Sample, golden: Golden) -> None:
    page = sample.site / "posts/cd19-car-t-case-series/index.html"
    assert golden.changes("post.html", page.read_bytes()) == []


def test_the_mail_that_asks_for_a_confirmation_is_as_it_was(sample: Sample, golden: Golden) -> None:
    found = settings.load(sample.project, {})
    site, newsletter, theme = found.site, found.newsletter, Theme()
    assert newsletter
    url = site.address(f"confirm/{'5eed17' * 8}")
    words = theme.words(site.language)
    mail = service_email(theme.render, words, site, newsletter, ServiceMailKind.CONFIRM, url=url, days=7)
    to = addressee(name="", leave_url="", leave_mailto="")
    date = datetime(2026, 11, 19, 19, 30, tzinfo=UTC)
    letter = answer(mail, site, newsletter, to, date=date, language=words.language)
    assert golden.changes("confirm.eml", letter) == []
