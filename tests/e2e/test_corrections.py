"""A correction reaches those who read the page, the feeds and the mail, whatever the age of its post."""

from __future__ import annotations

import json
from pathlib import Path

from program import build, letter, many, written

CORRECTED = """
corrections:
  - {date: 2024-11-12, severity: minor, text: "The dose was 5 mg, not 50."}
  - {date: 2024-11-13, severity: typo, text: "A name was misspelt."}
  - {date: 2024-12-24, severity: minor, text: "This is not known yet."}
"""


def items(project: Path) -> list[dict[str, str]]:
    found: list[dict[str, str]] = json.loads((project / "public/feed.json").read_text("utf-8"))["items"]
    return found


def test_a_correction_of_a_post_that_left_the_main_feed_is_an_item_of_it(tmp_path: Path) -> None:
    project = letter(tmp_path / "letter", *many(40))
    old = written("An old dose", date="2023-01-09 09:00").replace(
        "---\n\n", CORRECTED.lstrip() + "---\n\n", 1
    )
    (project / "posts" / "an-old-dose.md").write_text(old, "utf-8")
    build(project)
    titles = [item["title"] for item in items(project)]
    assert "An old dose" not in titles
    assert titles.count("Correction: An old dose") == 1
    notice = next(item for item in items(project) if item["title"].startswith("Correction"))
    assert "5 mg, not 50" in notice["content_html"]
    page = (project / "public/posts/an-old-dose/index.html").read_text("utf-8")
    assert f'id="{notice["url"].partition("#")[2]}"' in page


def test_a_typo_and_a_correction_dated_in_the_future_are_no_items(tmp_path: Path) -> None:
    post = written("A dose").replace("---\n\n", CORRECTED.lstrip() + "---\n\n", 1)
    project = letter(tmp_path / "letter", post)
    build(project)
    said = " ".join(item["content_html"] for item in items(project) if item["title"].startswith("Correction"))
    assert "5 mg" in said
    assert "misspelt" not in said
    assert "not known yet" not in said
