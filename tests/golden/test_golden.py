"""The sample publication's mail, feeds and a page, byte for byte as they were last looked at.

`pytest --update-golden` writes the files anew; their diff is read like code.
"""

from __future__ import annotations

import pytest
from conftest import Golden, Sample


@pytest.mark.parametrize("ending", ["html", "txt", "eml"])
def test_the_next_issues_mail_is_as_it_was(sample: Sample, golden: Golden, ending: str) -> None:
    assert golden.changes(f"issue-6.{ending}", sample.mail(ending).read_bytes()) == []


@pytest.mark.parametrize("name", ["atom.xml", "feed.xml", "feed.json"])
def test_the_feed_of_posts_is_as_it_was(sample: Sample, golden: Golden, name: str) -> None:
    assert golden.changes(name, (sample.site / name).read_bytes()) == []


def test_a_posts_page_is_as_it_was(sample: Sample, golden: Golden) -> None:
    page = sample.site / "posts/cd19-car-t-case-series/index.html"
    assert golden.changes("post.html", page.read_bytes()) == []
