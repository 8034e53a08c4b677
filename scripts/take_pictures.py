"""The pictures in docs/pictures: the sample publication as readers see it, taken in a real browser.

They are made from what the tests look at, so that they show what there is. `scripts/pictures` runs this; look
at what it made before it goes into a commit.
"""

from __future__ import annotations

import sys
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image, ImageChops, ImageDraw, ImageFilter
from playwright.sync_api import Browser

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tests"), str(ROOT / "tests/e2e")]

import pages  # noqa: E402
from browser import MAIL, Scheme, chromium, window  # noqa: E402
from program import NOW, SITE, digest, publication, replay  # noqa: E402

PICTURES = ROOT / "docs/pictures"
POST = "posts/cd19-car-t-case-series/"
GROUND = (233, 231, 224)
SCALE = 2
"""Pixels a CSS pixel, before a picture is made smaller."""


def main() -> None:
    """Build the sample, take every picture, and say how large they are."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as folder, chromium() as browser:
        project = sample(Path(folder))
        front = taken(browser, project, "", width=1200, height=1450)
        phone = taken(browser, project, POST, width=375, height=800, scheme="dark")
        mail = taken(browser, project, MAIL, width=640, height=1400)
        save("overview", overview(front, phone, mail))
        save("post", small(taken(browser, project, POST, width=1200, height=1500), 1200))
        save("mail", small(taken(browser, project, MAIL, width=640, height=1500), 960))
        save("mail-dark", small(taken(browser, project, MAIL, width=640, height=1500, scheme="dark"), 960))
        save("web", web(browser, project))
        own = taken(browser, project, "reader/page/", width=1000, height=1500)
        save("reader", small(own, 1000))


def sample(folder: Path) -> Path:
    """The sample publication with its site and its next mail."""
    project = publication(folder / "letter")
    replay(project)
    clock = ("--project", project, "--now", NOW)
    for command in (["build"], ["render", "next", "--to", project / "issue"]):
        ran = digest(*clock, *command)
        if ran.code:
            sys.exit(ran.err)
    return project


def for_readers(project: Path) -> None:
    """The pages that are made for one reader, beside the built ones, as `digest serve` would answer."""
    made = pages.pages()
    found = {
        "subscribe/": made.subscribe("en"),
        "confirm/page/": made.confirm("en", address=pages.ADDRESS, token=pages.TOKEN),
        "reader/page/": made.reader("en", reader=pages.reader()),
        "leave/page/": made.leave("en", address=pages.ADDRESS, token=pages.TOKEN),
    }
    for path, html in found.items():
        file = project / "public" / path / "index.html"
        file.parent.mkdir(parents=True)
        file.write_text(html, "utf-8")


def web(browser: Browser, project: Path) -> Image.Image:
    """Signing up, confirming, the reader's own page and leaving, on four phones."""
    for_readers(project)
    picture = Image.new("RGB", (1600, 800), GROUND)
    shown: list[tuple[str, Scheme]] = [
        ("subscribe/", "light"),
        ("confirm/page/", "dark"),
        ("reader/page/", "light"),
        ("leave/page/", "dark"),
    ]
    for place_, (path, scheme) in enumerate(shown):
        phone = taken(browser, project, path, width=390, height=790, scheme=scheme)
        place(picture, small(phone, 345), (47 + place_ * 387, 50), round_=26)
    return picture


def taken(
    browser: Browser, project: Path, path: str, *, width: int, height: int, scheme: Scheme = "light"
) -> Image.Image:
    """The first `height` CSS pixels of a page in a window of `width`."""
    mail = next((project / "issue").glob("*.html"))
    with window(browser, SITE, project / "public", mail, width=width, scheme=scheme, scale=SCALE) as shown:
        shown.page.set_viewport_size({"width": width, "height": height})
        shown.go(path)
        return Image.open(BytesIO(shown.page.screenshot())).convert("RGB")


def overview(front: Image.Image, phone: Image.Image, mail: Image.Image) -> Image.Image:
    """Front page, phone and mail side by side on a quiet ground; the long ones run off its foot."""
    picture = Image.new("RGB", (1600, 900), GROUND)
    place(picture, small(front, 730), (40, 48))
    place(picture, small(phone, 300), (810, 130), round_=26)
    place(picture, small(mail, 410), (1150, 48))
    return picture


def place(ground: Image.Image, picture: Image.Image, at: tuple[int, int], *, round_: int = 10) -> None:
    """Lay a picture down with round corners and a soft shadow."""
    large = Image.new("L", (picture.width * 4, picture.height * 4), 0)
    ImageDraw.Draw(large).rounded_rectangle((0, 0, large.width - 1, large.height - 1), round_ * 4, fill=255)
    mask = large.resize(picture.size, Image.Resampling.BOX)  # four times as large, so that corners are smooth
    shadow = Image.new("L", ground.size, 0)
    shadow.paste(mask, (at[0], at[1] + 8))
    shadow = shadow.filter(ImageFilter.GaussianBlur(16)).point(lambda value: value * 0.35)
    dark = ImageChops.multiply(ground, Image.new("RGB", ground.size, (120, 115, 105)))
    ground.paste(dark, (0, 0), shadow)
    ground.paste(picture, at, mask)


def small(picture: Image.Image, width: int) -> Image.Image:
    return picture.resize((width, round(picture.height * width / picture.width)), Image.Resampling.LANCZOS)


def save(name: str, picture: Image.Image) -> None:
    """As PNG with 256 colours: text stays sharp, and the file small."""
    path = PICTURES / f"{name}.png"
    picture.quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)
    print(
        f"{path.relative_to(ROOT)}: {picture.width} x {picture.height}, {path.stat().st_size / 1000:.0f} kB"
    )


if __name__ == "__main__":
    main()
