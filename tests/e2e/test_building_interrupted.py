"""What readers find while the site is built, by one build or two, and when a build dies."""

from __future__ import annotations

import os
import random
import resource
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from program import LETTER_NOW, SETTINGS, apart, beginning, build, edit, letter, many, tree, written

HIDDEN = "nobody may read this yet"


@contextmanager
def watching(look: Callable[[], None]) -> Iterator[None]:
    """Look again and again while something happens; what goes wrong in there is raised here."""
    over, wrong = threading.Event(), list[BaseException]()

    def again() -> None:
        while not over.is_set() and not wrong:
            try:
                look()
            except BaseException as error:
                wrong.append(error)

    watcher = threading.Thread(target=again)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()
    if wrong:
        raise wrong[0]


def test_no_draft_and_no_future_post_is_there_at_any_moment_of_a_build(tmp_path: Path) -> None:
    posts = [
        written("Draft", body=HIDDEN, draft="true"),
        written("Future", body=HIDDEN, date="2024-12-24 09:00"),
        written("Linking", body="See [the draft](draft.md) and [what comes](future.md)."),
        *many(60, words=400),
    ]
    project = letter(tmp_path / "letter", *posts)
    looked = wrong = 0
    running = beginning(project)
    while running.poll() is None:
        seen = [HIDDEN.encode() in body for body in whatever_is_there(project / "public")]
        looked, wrong = looked + len(seen), wrong + sum(seen)
    assert running.communicate()[1]
    assert (running.returncode, wrong) == (0, 0)
    assert looked > 0
    assert not any(HIDDEN.encode() in body for body in tree(project / "public").values())


def whatever_is_there(folder: Path) -> Iterator[bytes]:
    """The files below a folder, also the hidden ones, while others come and go."""
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                yield (Path(place) / name).read_bytes()
            except OSError:
                continue


def test_a_reader_who_asks_while_it_is_built_never_gets_half_a_page(tmp_path: Path) -> None:
    old, new = (written("One", body=f"{word} " * 30_000) for word in ("before", "after"))
    project = letter(tmp_path / "letter", old)
    names = ("posts/one/index.html", "atom.xml")
    whole: dict[str, set[bytes]] = {name: set() for name in names}
    for text in (new, old):
        (project / "posts/one.md").write_text(text, "utf-8")
        build(project)
        for name in names:
            whole[name].add((project / "public" / name).read_bytes())

    def look() -> None:
        for name in names:
            assert (project / "public" / name).read_bytes() in whole[name]

    with watching(look):
        for text in [new, old] * 6:
            (project / "posts/one.md").write_text(text, "utf-8")
            assert build(project).code == 0
    assert all(len(versions) == 2 for versions in whole.values())


def test_two_builds_at_once_both_end_well(tmp_path: Path) -> None:
    posts = many(40)
    project = letter(tmp_path / "letter", *posts)
    both = [beginning(project), beginning(project)]
    ends = [(running.communicate()[1], running.returncode) for running in both]
    assert [code for _, code in ends] == [0, 0], ends
    build(letter(tmp_path / "same", *posts))
    assert tree(project / "public") == tree(tmp_path / "same/public")


def name_it(project: Path, title: str) -> None:
    (project / "digest.toml").write_text(SETTINGS.replace('"Baseline"', f'"{title}"'), "utf-8")


def test_a_build_that_is_killed_leaves_whole_pages_and_the_next_one_is_clean(tmp_path: Path) -> None:
    project = letter(tmp_path / "letter", *many(30))
    titles = ["Baseline", "Endpoint"]
    sites = []
    for title in titles:
        name_it(project, title)
        began = time.monotonic()
        assert apart("--project", project, "--now", LETTER_NOW, "build").code == 0
        lasts = time.monotonic() - began
        sites.append(tree(project / "public"))
    dice = random.Random(20241120)
    killed, there = 0, 1
    for turn in range(10):
        name_it(project, titles[1 - there])
        running = beginning(project)
        time.sleep(lasts * dice.uniform(0.2, 0.9))
        running.send_signal(signal.SIGKILL)
        running.communicate()
        killed += running.returncode == -signal.SIGKILL
        left = {name: body for name, body in tree(project / "public").items() if "stage" not in name}
        assert left.keys() == sites[there].keys()
        assert [name for name, body in left.items() if body not in (sites[0][name], sites[1][name])] == []
        if turn % 3 == 0:  # the author takes the change back
            name_it(project, titles[there])
        else:
            there = 1 - there
        assert build(project).code == 0
        assert tree(project / "public") == sites[there]
        assert list((project / "public").glob(".*")) == []
    assert killed >= 3


@pytest.mark.parametrize("room", [4_000, 100_000, 2_000_000])
def test_a_full_disk_leaves_the_old_site_and_says_so(tmp_path: Path, room: int) -> None:
    project = letter(tmp_path / "letter", *many(3))
    build(project)
    before = tree(project / "public")
    (project / "posts/attached.bin").write_bytes(bytes(3_000_000))
    edit(project, "posts/trial-1.md", "[before]", "[attached](attached.bin) [before]")
    edit(project, "posts/trial-2.md", "Five of 2", "Six of 2")
    full = beginning(project, limit=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (room, room)))
    says = full.communicate()[1]
    assert full.returncode == 1
    assert "Traceback" not in says
    assert "digest: " in says
    assert tree(project / "public") == before
    assert build(project).code == 0
    assert "Six of 2" in (project / "public/posts/trial-2/index.html").read_text("utf-8")
