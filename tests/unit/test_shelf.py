"""What is on the shelf of a built site, and what is not, whatever a path says."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import brotli
import pytest
from web_server import site

from digest.web.shelf import HELD_BYTES, LOOK_AGAIN_SECONDS, Elsewhere, File, Shelf, below

FEED = b"<feed>" + b"<entry/>" * 500 + b"</feed>"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    public = tmp_path / "public"
    for name in ("atom.xml", "index.html", "posts/one/index.html", "404.html", ".hidden", "empty/.keep"):
        put(public, name)
    (tmp_path / "secret.txt").write_text("secret")
    return public


def put(public: Path, name: str, body: bytes = FEED, *, twins: bool = True) -> None:
    """Write a file as a build does: its twins first, each renamed into its place."""
    path = public / name
    path.parent.mkdir(parents=True, exist_ok=True)
    packed = {".gz": gzip.compress(body, mtime=0), ".br": brotli.compress(body)} if twins else {}
    for ending, content in {**packed, "": body}.items():
        staged = path.with_name("staged")
        staged.write_bytes(content)
        os.replace(staged, f"{path}{ending}")


def found(shelf: Shelf, path: str) -> File:
    file = shelf.find(path.encode())
    assert isinstance(file, File)
    return file


# ----------------------------------------------------------------------------------------- paths

OUTSIDE = [
    "/../secret.txt",
    "/posts/../../secret.txt",
    "/%2e%2e/secret.txt",
    "/..%2fsecret.txt",
    "/%252e%252e/secret.txt",
    "/..%5csecret.txt",
    "/..\\secret.txt",
    "/posts/one/..",
    "/.hidden",
    "/%2ehidden",
    "/empty/.keep",
    "//secret.txt",
    "/posts//one/",
    "/./atom.xml",
    "/atom.xml%00.html",
    "/atom.xml/",
    "/index.html/index.html",
    "/atom.xml%0d%0aX: y",
    "/%ff%fe",
    "/outside.txt",
    "/elsewhere/secret.txt",
    "/round.txt",
    "/" + "a" * 5000,
    "/empty",
    "/empty/",
    "atom.xml",
    "*",
]


@pytest.mark.parametrize("path", OUTSIDE)
def test_no_path_leads_out_of_the_folder_or_to_hidden_files(folder: Path, path: str) -> None:
    (folder / "outside.txt").symlink_to(folder.parent / "secret.txt")
    (folder / "elsewhere").symlink_to(folder.parent)
    (folder / "round.txt").symlink_to("round.txt")
    assert Shelf(folder, site()).find(path.encode()) is None


def test_a_link_inside_the_folder_is_followed(folder: Path) -> None:
    (folder / "rss").symlink_to("atom.xml")
    assert found(Shelf(folder, site()), "/rss").forms[""].body == FEED


def test_a_folder_is_its_index_and_is_asked_for_with_a_slash(folder: Path) -> None:
    shelf = Shelf(folder, site())
    assert found(shelf, "/").name == "index.html"
    assert found(shelf, "/posts/one/").name == "posts/one/index.html"
    assert shelf.find(b"/posts/one") == Elsewhere(location="/posts/one/")
    assert shelf.find(b"/posts") is None


def test_a_site_below_a_path_has_nothing_outside_it(folder: Path) -> None:
    shelf = Shelf(folder, site("https://example.org/letter"))
    assert found(shelf, "/letter/atom.xml").name == "atom.xml"
    assert shelf.find(b"/letter") == Elsewhere(location="/letter/")
    assert [shelf.find(path) for path in (b"/atom.xml", b"/", b"/letters/atom.xml")] == [None] * 3


def test_a_name_is_unquoted_once() -> None:
    assert below(b"/a%20b/%C3%BC.png", b"/") == "a b/ü.png"
    assert below(b"/a%2520b", b"/") == "a%20b"


# ----------------------------------------------------------------------------------------- content


def test_each_encoding_has_a_tag_of_its_own(folder: Path) -> None:
    file = found(Shelf(folder, site()), "/atom.xml")
    assert file.forms.keys() == {"", "br", "gzip"}
    assert len({form.etag for form in file.forms.values()}) == 3


def test_a_twin_of_other_bytes_is_not_served(folder: Path) -> None:
    (folder / "atom.xml.gz").write_bytes(gzip.compress(b"of another day"))
    (folder / "atom.xml.br").write_bytes(b"broken")
    assert found(Shelf(folder, site()), "/atom.xml").forms.keys() == {""}
    (folder / "atom.xml.gz").write_bytes(gzip.compress(FEED)[:-4])
    assert found(Shelf(folder, site()), "/atom.xml").forms.keys() == {""}


def test_a_new_file_is_seen_at_once_and_an_unchanged_one_is_not_read_again(folder: Path) -> None:
    shelf = Shelf(folder, site())
    first = found(shelf, "/atom.xml")
    assert found(shelf, "/atom.xml") is first
    put(folder, "atom.xml", FEED + b"<!-- new -->")
    assert shelf.at_hand(b"/atom.xml") is None
    second = found(shelf, "/atom.xml")
    assert second.forms[""].body == FEED + b"<!-- new -->"
    assert second.forms.keys() == {"", "br", "gzip"}
    (folder / "atom.xml").unlink()
    assert shelf.find(b"/atom.xml") is None


def test_twins_that_come_later_are_found(folder: Path) -> None:
    now = [0.0]
    shelf = Shelf(folder, site(), clock=lambda: now[0])
    put(folder, "feed.xml", twins=False)
    assert found(shelf, "/feed.xml").forms.keys() == {""}
    (folder / "feed.xml.gz").write_bytes(gzip.compress(FEED))
    now[0] = LOOK_AGAIN_SECONDS + 1
    assert found(shelf, "/feed.xml").forms.keys() == {"", "gzip"}


def test_a_large_file_is_not_held(folder: Path) -> None:
    put(folder, "files/scan.png", bytes(HELD_BYTES + 1))
    form = found(Shelf(folder, site()), "/files/scan.png").forms[""]
    assert (form.body, form.size) == (None, HELD_BYTES + 1)
    assert (b"accept-ranges", b"bytes") in form.headers


def test_nothing_is_on_the_shelf_before_the_first_build(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "public", site())
    assert shelf.find(b"/") is None
    assert shelf.missing() is None


def test_a_device_is_no_file(folder: Path) -> None:
    os.mkfifo(folder / "pipe.txt")
    assert Shelf(folder, site()).find(b"/pipe.txt") is None
