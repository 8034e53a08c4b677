"""Posts are found and pictures measured without leaving posts/; a site is written whole or not at all."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from digest import files
from digest.errors import BuildError
from digest.files import Shelf, Stage, scan
from digest.model import Page
from digest.posts import MAX_BYTES


@pytest.fixture
def posts(tmp_path: Path) -> Path:
    folder = tmp_path / "posts"
    folder.mkdir()
    (folder / "a.md").write_text("a")
    return folder


def refused(folder: Path) -> list[str]:
    return [str(finding) for finding in scan(folder)[1]]


def page(path: str, body: bytes = b"new") -> Page:
    return Page(path=path, media_type="text/html", body=body)


# ----------------------------------------------------------------------------------------- reading


def test_posts_are_found_in_the_order_of_their_names(posts: Path) -> None:
    for name in ("z.md", "2026/b.markdown", "2026/index.MD", ".hidden.md", "_draft.md", ".git/c.md", "d.txt"):
        (posts / name).parent.mkdir(exist_ok=True)
        (posts / name).write_text("text")
    found, findings = scan(posts)
    assert [source.name for source in found] == ["2026/b.markdown", "2026/index.MD", "a.md", "z.md"]
    assert (found[2].shown, found[2].size) == ("posts/a.md", 1)
    assert findings == []


def test_a_project_without_posts_is_told_to_make_the_folder(tmp_path: Path) -> None:
    assert refused(tmp_path / "posts") == [
        "posts: there is no folder posts/; make it, and put a post into it"
    ]


def test_links_that_leave_posts_and_links_in_a_circle_are_refused(posts: Path) -> None:
    outside = posts.parent / "secret.md"
    outside.write_text("secret")
    (posts / "out.md").symlink_to(outside)
    (posts / "round.md").symlink_to(posts / "round.md")
    (posts / "nowhere.md").symlink_to(posts / "absent.md")
    (posts / "folder.md").symlink_to(posts)
    (posts / "years").symlink_to(posts, target_is_directory=True)
    (posts / "same.md").symlink_to(posts / "a.md")
    found, findings = scan(posts)
    assert [source.name for source in found] == ["a.md", "same.md"]
    assert [str(finding) for finding in findings] == [
        "posts/folder.md: it is a link to a folder; put the folder itself there",
        "posts/nowhere.md: it is a link that leads to no file; mend or delete the link",
        "posts/out.md: it is a link that leaves posts/; put the file itself there",
        "posts/round.md: it is a link that leads to no file; mend or delete the link",
        "posts/years: it is a link to a folder; put the folder itself there",
    ]


def test_what_is_no_file_or_too_large_is_refused_unread(posts: Path) -> None:
    os.mkfifo(posts / "pipe.md")
    with (posts / "huge.md").open("wb") as huge:
        huge.truncate(MAX_BYTES + 1)
    assert refused(posts) == [
        "posts/huge.md: it is 5.0 MB, more than 5 MB; split it",
        "posts/pipe.md: it is no ordinary file; put a text file there",
    ]


# ------------------------------------------------------------------------------------- the shelf


def picture(
    path: Path, size: tuple[int, int] = (40, 30), kind: str = "PNG", mode: str = "RGB", **more: object
) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size).save(path, kind, **more)
    return path


def test_a_shelf_never_leaves_posts(posts: Path) -> None:
    (posts.parent / "secret.png").write_bytes(b"secret")
    (posts / "link.png").symlink_to(posts.parent / "secret.png")
    shelf = Shelf(root=posts, name="2026/a.md")
    for address in (
        "../../secret.png",
        "../link.png",
        "/etc/passwd",
        "../../../../../../etc/passwd",
        "\0",
        "",
        ".",
        "..",
        "x" * 300 + ".png",
        "x/" * 600,
        "../a.md",
        "absent.png",
    ):
        assert shelf.file(address) is None
    assert shelf.found == {}


def test_a_shelf_knows_the_other_posts(posts: Path) -> None:
    (posts / "b").mkdir()
    (posts / "b" / "index.md").write_text("b")
    shelf = Shelf(root=posts, name="2026/c.md")
    assert shelf.other("../a.md") == "a"
    assert shelf.other("../b/index.md") == "b"
    for address in ("../absent.md", "../../posts/a.md", "x" * 300 + ".md", "\0.md", "../b"):
        assert shelf.other(address) is None


def test_a_file_is_published_under_its_own_name_however_odd(posts: Path) -> None:
    picture(posts / "2026" / "100% é b.png")
    asset = Shelf(root=posts, name="2026/a.md").file("100% é b.png")
    assert asset is not None
    assert asset.path == "files/2026/100%25%20%C3%A9%20b.png"
    assert files.on_disk(asset.path) == "files/2026/100% é b.png"
    assert (asset.media_type, asset.width, asset.height) == ("image/png", 40, 30)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP"])
def test_a_wide_picture_gets_a_smaller_version(kind: str, tmp_path: Path) -> None:
    path = picture(tmp_path / f"wide.{kind.lower()}", (2401, 301), kind)
    asset = files.measured(path, path.name)
    assert (asset.width, asset.height) == (2401, 301)
    assert (asset.small_width, asset.small_height) == (1200, 150)
    small = files.smaller(path, 1200, 150)
    with Image.open(BytesIO(small)) as made:
        assert (made.size, made.format) == ((1200, 150), kind)
    assert small == files.smaller(path, 1200, 150)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_a_picture_of_any_mode_can_be_scaled(mode: str, tmp_path: Path) -> None:
    path = picture(tmp_path / "wide.png", (1300, 13), mode=mode)
    with Image.open(BytesIO(files.smaller(path, 1200, 12))) as made:
        assert made.size == (1200, 12)


def test_a_photograph_in_print_colours_can_be_scaled(tmp_path: Path) -> None:
    path = picture(tmp_path / "wide.jpg", (1300, 13), "JPEG", mode="CMYK")
    with Image.open(BytesIO(files.smaller(path, 1200, 12))) as made:
        assert (made.size, made.mode) == ((1200, 12), "RGB")


def test_a_photograph_on_its_side_is_measured_and_scaled_upright(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    path = picture(tmp_path / "turned.jpg", (600, 2400), "JPEG", exif=exif)
    asset = files.measured(path, path.name)
    assert (asset.width, asset.height, asset.small_height) == (2400, 600, 300)
    with Image.open(BytesIO(files.smaller(path, 1200, 300))) as made:
        assert made.size == (1200, 300)
        assert not made.getexif()


@pytest.mark.parametrize(
    ("source", "size"),
    [
        ('<svg xmlns="http://www.w3.org/2000/svg" width="40" height="30.4px"/>', (40, 30)),
        ('<svg viewBox="0 0 400 300"><rect width="1" height="1"/></svg>', (400, 300)),
        ('<svg width="100%" viewBox="-10 -10, 64.6 32">', (65, 32)),
        ("<svg width='10' height='20'>", (10, 20)),
        ("<svg>", (None, None)),
        ("no drawing", (None, None)),
    ],
)
def test_a_drawing_is_measured_by_its_size_or_its_box(
    source: str, size: tuple[int, int], tmp_path: Path
) -> None:
    path = tmp_path / "drawing.svg"
    path.write_text(source)
    asset = files.measured(path, "drawing.svg")
    assert ((asset.width, asset.height), asset.media_type) == (size, "image/svg+xml")


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.gif", "a.webp"])
def test_a_broken_picture_has_no_size_and_does_no_harm(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    kind = {"png": "PNG", "jpg": "JPEG", "gif": "GIF", "webp": "WEBP"}[name[2:]]
    whole = BytesIO()
    Image.effect_noise((1600, 400), 90).convert("RGB").save(whole, kind)
    for raw in (b"", b"no picture", whole.getvalue()[:20], whole.getvalue()[: len(whole.getvalue()) // 2]):
        path.write_bytes(raw)
        asset = files.measured(path, name)
        assert (asset.width, asset.small_path) == (None, ""), len(raw)


def test_a_picture_of_too_many_points_is_shown_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "MAX_PIXELS", 1000)
    asset = files.measured(picture(tmp_path / "a.png", (2000, 2)), "a.png")
    assert (asset.width, asset.small_path) == (None, "")


# ----------------------------------------------------------------------------------------- writing


def tree(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


@pytest.fixture
def site(tmp_path: Path) -> Path:
    out = tmp_path / "public"
    for name in ("index.html", "posts/a/index.html"):
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (out / name).write_bytes(b"old")
    return out


def test_only_what_changed_is_written(site: Path) -> None:
    stage = Stage.begin(site)
    assert not stage.put(page("index.html", b"old"))
    assert stage.put(page("posts/a/index.html"))
    assert tree(site)["posts/a/index.html"] == b"old"
    stage.publish()
    assert tree(site) == {"index.html": b"old", "posts/a/index.html": b"new"}


def test_what_a_dead_build_left_is_cleared_and_never_counts_as_site(site: Path) -> None:
    (site / ".digest-stage-1").mkdir()
    (site / ".digest-stage-1" / "x").write_text("left")
    assert files.existing(site) == {"index.html", "posts/a/index.html"}
    stage = Stage.begin(site)
    assert not (site / ".digest-stage-1").exists()
    stage.drop()
    assert tree(site) == {"index.html": b"old", "posts/a/index.html": b"old"}


def test_a_folder_where_a_file_must_go_leaves_the_old_site_byte_for_byte(site: Path) -> None:
    (site / "zebra.html").mkdir()
    stage = Stage.begin(site)
    for name in ("index.html", "posts/a/index.html", "zebra.html"):
        stage.put(page(name))
    with pytest.raises(BuildError, match=r"Is a directory \(zebra.html\); the old site is untouched"):
        stage.publish()
    assert tree(site) == {"index.html": b"old", "posts/a/index.html": b"old"}
    assert list(site.glob(".digest-stage-*")) == []


def test_a_file_where_the_site_must_go_is_said(tmp_path: Path) -> None:
    (tmp_path / "public").write_text("a file")
    with pytest.raises(BuildError, match="the site cannot be written"):
        Stage.begin(tmp_path / "public")


FULL = """
import sys
from pathlib import Path
from digest.errors import BuildError
from digest.files import Stage
from digest.model import Page
stage = Stage.begin(Path(sys.argv[1]))
try:
    for name in ("index.html", "posts/a/index.html"):
        stage.put(Page(path=name, media_type="text/html", body=b"x" * 5000))
    stage.publish()
except BuildError as error:
    print(error)
    stage.drop()
    sys.exit(7)
"""


def test_a_full_disk_leaves_the_old_site_byte_for_byte(site: Path) -> None:
    """A limit on the size of files fails as a full disk does: in the middle of a write."""
    before = tree(site)
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(site)],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000)),
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, "the old site is untouched" in done.stdout) == (7, True), done.stderr
    assert tree(site) == before


def test_what_the_site_no_longer_has_is_removed_with_its_empty_folders(site: Path) -> None:
    assert files.remove(site, ["posts/a/index.html", "absent.html"]) == 1
    assert tree(site) == {"index.html": b"old"}
    assert not (site / "posts").exists()
