"""What a build writes: what changed and nothing else, under ids that feed readers know."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Callable
from pathlib import Path

import brotli
import feedparser
import pytest
from PIL import Image
from program import LETTER_NOW, SETTINGS, beginning, build, digest, edit, letter, many, tree, written

from digest.library import in_batches
from digest.twins import is_twin

HIDDEN = "nobody may read this yet"
FEEDS = ("atom.xml", "feed.xml", "feed.json")


def times(folder: Path) -> dict[str, int]:
    """When each file of the site was written, its compressed twins left out."""
    return {
        path.relative_to(folder).as_posix(): path.stat().st_mtime_ns
        for path in folder.rglob("*")
        if path.is_file() and not is_twin(path.name)
    }


def touched(project: Path, change: Callable[[], object]) -> set[str]:
    """The files of the site that the next build wrote after a change."""
    before = times(project / "public")
    change()
    assert build(project).code == 0
    after = times(project / "public")
    return {name for name in after if after[name] != before.get(name)}


# ------------------------------------------------------------------------------ what is made and written


def test_where_nothing_changed_nothing_is_written(tmp_path: Path) -> None:
    project = letter(tmp_path / "letter", written("One"), written("Two"))
    build(project)
    before = times(project / "public")
    again = digest("--project", project, "--now", LETTER_NOW, "--json", "build").json
    assert (again["written"], again["removed"]) == (0, 0)
    assert times(project / "public") == before


def test_an_edit_far_down_in_a_post_writes_its_page_and_the_feeds_that_carry_it(tmp_path: Path) -> None:
    posts = [written(name, body="A lead.\n\nA second part.", tags=f"[{name}]") for name in ("Alpha", "Beta")]
    project = letter(tmp_path / "letter", *posts)
    build(project)
    wrote = touched(project, lambda: edit(project, "posts/alpha.md", "A second part", "Another part"))
    assert wrote == {
        "posts/alpha/index.html",
        "archive/2024.atom.xml",
        *FEEDS,
        *(f"tags/alpha/{name}" for name in FEEDS),
    }


def test_a_new_post_appears_in_lists_and_feeds(tmp_path: Path) -> None:
    project = letter(tmp_path / "letter", written("One"))
    build(project)
    new = written("Two", tags="[Topic]")
    wrote = touched(project, lambda: (project / "posts/two.md").write_text(new, "utf-8"))
    for name in ("index.html", "archive/index.html", "tags/topic/index.html", "sitemap.xml", *FEEDS):
        assert name in wrote
        assert "posts/two/" in (project / "public" / name).read_text("utf-8")
    assert "posts/two/index.html" in wrote
    assert "issues/index.html" not in wrote


def test_a_deleted_posts_page_disappears_and_what_the_author_put_there_stays(tmp_path: Path) -> None:
    project = letter(tmp_path / "letter", written("One", tags="[lost]"), written("Two"))
    build(project)
    own = project / "public/posts/one/slides.pdf"
    own.write_bytes(b"slides")
    (project / "public/CNAME").write_text("baseline.example.org")
    (project / "posts/one.md").unlink()
    assert build(project).code == 0
    left = tree(project / "public")
    assert {"posts/one/slides.pdf", "CNAME", "posts/two/index.html"} <= left.keys()
    assert "posts/one/index.html" not in left
    assert not (project / "public/tags/lost").exists()
    assert not any(b"posts/one/" in body for body in left.values())


def test_a_post_that_becomes_a_draft_leaves_the_site(tmp_path: Path) -> None:
    project = letter(tmp_path / "letter", written("One", body=HIDDEN), written("Two"))
    build(project)
    edit(project, "posts/one.md", 'title: "One"', 'title: "One"\ndraft: true')
    build(project)
    assert not any(HIDDEN.encode() in body for body in tree(project / "public").values())


def test_a_changed_setting_is_seen_on_every_page(tmp_path: Path) -> None:
    project = letter(tmp_path / "letter", written("One"), written("Two"))
    build(project)
    wrote = touched(project, lambda: edit(project, "digest.toml", 'title = "Baseline"', 'title = "Endpoint"'))
    pages = {name for name in tree(project / "public") if name.endswith(".html")}
    assert pages <= wrote
    assert all("Baseline" not in (project / "public" / page).read_text("utf-8") for page in pages)


def test_a_changed_template_is_seen_on_every_page(tmp_path: Path) -> None:
    project = letter(tmp_path / "letter", written("One"), written("Two"))
    build(project)
    own = project / "templates/site/static/style.css"
    own.parent.mkdir(parents=True)
    wrote = touched(project, lambda: own.write_text("body { color: #123456 }", "utf-8"))
    assert {name for name in tree(project / "public") if name.endswith(".html")} <= wrote
    assert (project / "public/style.css").read_text("utf-8") == "body { color: #123456 }"


def test_a_link_follows_the_post_that_it_leads_to(tmp_path: Path) -> None:
    project = letter(tmp_path / "letter", written("One", body="See [the other](two.md)."), written("Two"))
    build(project)
    wrote = touched(
        project, lambda: edit(project, "posts/two.md", 'title: "Two"', 'title: "Two"\nslug: second')
    )
    assert "posts/one/index.html" in wrote
    for name in ("posts/one/index.html", "atom.xml"):
        assert "posts/second/" in (project / "public" / name).read_text("utf-8")
        assert "posts/two/" not in (project / "public" / name).read_text("utf-8")


def test_strict_writes_nothing_where_a_post_is_broken(tmp_path: Path) -> None:
    project = letter(tmp_path / "letter", written("One"), "---\ntitle: [\n---\nBroken.\n")
    first = build(project, "--strict")
    assert first.code == 1
    assert "posts/untitled.md:" in first.err
    assert tree(project / "public") == {}
    assert build(project).code == 1  # without it the others are built
    before = times(project / "public")
    (project / "posts/three.md").write_text(written("Three"), "utf-8")
    assert build(project, "--strict").code == 1
    assert times(project / "public") == before


def test_many_posts_give_the_same_bytes_whether_one_process_makes_them_or_several(tmp_path: Path) -> None:
    project = letter(tmp_path / "letter", *many(600))
    one_processor = {min(os.sched_getaffinity(0))}
    alone = beginning(
        project, "--out", str(tmp_path / "alone"), limit=lambda: os.sched_setaffinity(0, one_processor)
    )
    assert "mistake" not in alone.communicate()[1]
    assert alone.returncode == 0
    (project / ".digest/cache.db").unlink()
    together = beginning(project, "--out", str(tmp_path / "together"))
    assert "mistake" not in together.communicate()[1]
    assert together.returncode == 0
    assert tree(tmp_path / "alone") == tree(tmp_path / "together")
    assert len(list((tmp_path / "alone/posts").iterdir())) == 600


# ------------------------------------------------------------------------------ compressed twins


def test_every_file_of_text_has_twins_that_unpack_to_it_and_are_counted_with_it(tmp_path: Path) -> None:
    project = letter(tmp_path / "letter", written("One", body="![A dot](dot.png)", tags="[topic]"))
    Image.new("RGB", (5, 5), "red").save(project / "posts" / "dot.png")
    counted = digest("--project", project, "--now", LETTER_NOW, "--json", "build").json
    site = tree(project / "public")
    pages = {name: body for name, body in site.items() if not is_twin(name)}
    assert counted["pages"] == counted["written"] == len(pages)
    assert {name for name in pages if f"{name}.gz" not in site} == {"files/dot.png"}
    for name in pages.keys() - {"files/dot.png"}:
        assert gzip.decompress(site[f"{name}.gz"]) == pages[name]
        assert brotli.decompress(site[f"{name}.br"]) == pages[name]
        assert site[f"{name}.gz"][4:8] == bytes(4)  # RFC 1952, section 2.3.1: no time


def test_twins_follow_their_file_and_nothing_else_is_packed_again(tmp_path: Path) -> None:
    project = letter(tmp_path / "letter", written("One"), written("Two"))
    build(project)
    before = {path: path.stat().st_mtime_ns for path in (project / "public").rglob("*.gz")}
    edit(project, "posts/one.md", "Five were treated", "Six were treated")
    build(project)
    page = project / "public/posts/one/index.html"
    assert b"Six were treated" in gzip.decompress(Path(f"{page}.gz").read_bytes())
    packed = {path for path in before if path.stat().st_mtime_ns != before[path]}
    assert Path(f"{page}.gz") in packed
    assert project / "public/posts/two/index.html.gz" not in packed


def test_a_deleted_posts_twins_go_with_it(tmp_path: Path) -> None:
    project = letter(tmp_path / "letter", written("One", tags="[lost]"), written("Two"))
    build(project)
    (project / "posts/one.md").unlink()
    removed = digest("--project", project, "--now", LETTER_NOW, "--json", "build").json["removed"]
    assert not (project / "public/posts/one").exists()
    assert not (project / "public/tags/lost").exists()
    assert removed == 5  # the post's page, and the topic's page and feeds


def test_twins_that_are_missing_or_damaged_are_made_again(tmp_path: Path) -> None:
    project = letter(tmp_path / "letter", written("One"))
    build(project)
    whole = tree(project / "public")
    (project / "public/atom.xml.gz").unlink()
    (project / "public/atom.xml.br").write_bytes(b"of another day")
    assert "1 file new or changed" in build(project).out
    assert tree(project / "public") == whole


def test_an_authors_own_packed_file_is_not_taken_for_a_twin(tmp_path: Path) -> None:
    project = letter(tmp_path / "letter", written("One", body="[a](counts.csv) [b](counts.csv.gz)"))
    (project / "posts/counts.csv").write_text("week,count\n1,5\n")
    (project / "posts/counts.csv.gz").write_bytes(b"the author's own")
    build(project)
    files = tree(project / "public/files")
    assert files["counts.csv.gz"] == b"the author's own"
    assert brotli.decompress(files["counts.csv.br"]) == b"week,count\n1,5\n"


# ------------------------------------------------------------------------------ several at once


def test_work_that_is_shared_comes_back_in_order() -> None:
    made = list(in_batches(abs, range(-200, 0), doing="counting", size=7, alone=0))
    assert [number for batch in made for number in batch] == list(range(200, 0, -1))


# ------------------------------------------------------------------------------ what feed readers know


def entries(project: Path) -> dict[str, list[tuple[str, str]]]:
    """By format the id and title of every entry, newest first."""
    site = project / "public"
    found = {
        name: [(entry.id, entry.title) for entry in feedparser.parse((site / name).read_bytes()).entries]
        for name in ("atom.xml", "feed.xml")
    }
    items = json.loads((site / "feed.json").read_text("utf-8"))["items"]
    return {**found, "feed.json": [(item["id"], item["title"]) for item in items]}


def ids(project: Path) -> dict[str, set[str]]:
    return {name: {id for id, _ in found} for name, found in entries(project).items()}


CHANGES: dict[str, tuple[str, str, str]] = {
    "title": ("posts/one.md", 'title: "One"', 'title: "One, and more"'),
    "slug": ("posts/one.md", 'title: "One"', 'title: "One"\nslug: quite-another'),
    "date": ("posts/one.md", "2024-11-04 09:00", "2024-11-19 21:00"),
    "text": ("posts/one.md", "Five were treated.", "Six were treated."),
    "host": ("digest.toml", "https://baseline.example.org", "https://elsewhere.example.net/letter"),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_post_of_another_title_slug_date_text_or_host_is_not_shown_as_new(
    tmp_path: Path, what: str
) -> None:
    project = letter(tmp_path / "letter", written("One"), written("Two", date="2024-11-05 09:00"))
    build(project)
    before, known = entries(project), ids(project)
    edit(project, *CHANGES[what])
    build(project)
    assert ids(project) == known
    assert {name: len(found) for name, found in known.items()} == dict.fromkeys(FEEDS, 2)
    assert (entries(project) != before) == (what in ("title", "date"))  # a new date is another order


@pytest.mark.parametrize("front", [{}, {"id": "my-own-name"}])
def test_a_post_whose_file_is_renamed_is_not_shown_as_new(tmp_path: Path, front: dict[str, str]) -> None:
    project = letter(tmp_path / "letter", written("One", **front), written("Two"))
    build(project)
    before = ids(project)
    (project / "posts/one.md").rename(project / "posts/renamed.md")
    build(project)
    assert ids(project) == before
    (project / "posts/renamed.md").rename(project / "posts/again.md")
    build(project)
    assert ids(project) == before


def test_a_correction_moves_when_a_post_was_updated_and_not_when_it_was_published(tmp_path: Path) -> None:
    project = letter(tmp_path / "letter", written("One"))
    build(project)
    edit(
        project,
        "posts/one.md",
        "---\n\n",
        "corrections:\n  - {date: 2024-11-18, text: Six were treated.}\n---\n\n",
    )
    build(project)
    notice, entry = feedparser.parse((project / "public/atom.xml").read_bytes()).entries
    assert (entry.published, entry.updated) == ("2024-11-04T09:00:00Z", "2024-11-18T00:00:00Z")
    assert notice.title == "Correction: One"


def test_a_rehearsal_teaches_the_next_real_build_nothing(tmp_path: Path) -> None:
    project = letter(tmp_path / "letter", written("One"), written("Two"))
    build(project)
    known = (project / "public/atom.xml").read_bytes()
    (project / "posts" / "one.md").rename(project / "posts" / "first.md")
    build(project, now="2999-01-01T09:00")
    assert b"posts/first<" not in (project / "public/atom.xml").read_bytes()
    build(project)
    assert [b"posts/one<" in found for found in (known, (project / "public/atom.xml").read_bytes())] == [
        True,
        True,
    ]


def test_a_renamed_post_keeps_its_id_where_there_is_no_newsletter(tmp_path: Path) -> None:
    site = SETTINGS.partition("[newsletter]")[0]
    project = letter(tmp_path / "letter", written("One"), settings=site)
    build(project)
    (project / "posts" / "one.md").rename(project / "posts" / "first.md")
    build(project)
    assert b"posts/one<" in (project / "public/atom.xml").read_bytes()


def test_a_post_that_readers_know_keeps_its_address_from_one_dated_earlier(tmp_path: Path) -> None:
    project = letter(tmp_path / "letter", written("Known", slug="shared"))
    build(project)
    (project / "posts" / "newcomer.md").write_text(
        written("Newcomer", date="2020-01-01", slug="shared"), "utf-8"
    )
    ran = build(project)
    assert ran.code == 1
    assert "posts/newcomer.md:1: its slug shared is already that of posts/known.md" in ran.err
    assert "Known" in (project / "public/posts/shared/index.html").read_text("utf-8")


def test_an_authors_own_file_is_never_taken_for_a_smaller_version(tmp_path: Path) -> None:
    project = letter(tmp_path / "letter", written("One", body="![a](wide.png)\n\n![b](wide-1200w.png)"))
    Image.new("RGB", (2400, 20), "red").save(project / "posts" / "wide.png")
    Image.new("RGB", (50, 50), "blue").save(project / "posts" / "wide-1200w.png")
    build(project)
    page = (project / "public/posts/one/index.html").read_text("utf-8")
    assert 'src="/small/wide.png" alt="a" width="1200" height="10"' in page
    assert 'src="/files/wide-1200w.png" alt="b" width="50" height="50"' in page
