"""A real browser that is shown the site from its folder, at the addresses it will have, and nothing else."""

from __future__ import annotations

import mimetypes
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import unquote, urlsplit

from playwright.sync_api import Browser, ConsoleMessage, Page, Route, sync_playwright

Scheme = Literal["light", "dark"]
MAIL = "mail.html"
"""The next issue's mail, as if it stood beside the site."""


@contextmanager
def chromium(*, keeps_pages: bool = False) -> Iterator[Browser]:
    """The system's Chromium, which may keep pages that were left, as it does for people.

    Raises FileNotFoundError where there is none.
    """
    path = shutil.which("chromium")
    if path is None:
        raise FileNotFoundError("these tests look at pages in a real browser: apt install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path,
            args=["--no-sandbox", "--disable-gpu"],
            ignore_default_args=["--disable-back-forward-cache"] if keeps_pages else None,
        )
        try:
            yield browser
        finally:
            browser.close()


@dataclass(kw_only=True)
class Shown:
    """One page in a window of its own, and what it asked for or complained about."""

    page: Page
    site: str
    folder: Path
    mail: Path
    complaints: list[str] = field(default_factory=list)

    def go(self, path: str) -> None:
        self.complaints.clear()
        self.page.goto(self.site + path, wait_until="load")

    def answer(self, route: Route) -> None:
        """From the folder what belongs to the site; all else is refused and told."""
        url = route.request.url
        path = unquote(urlsplit(url).path.lstrip("/"))
        file = self.mail if path == MAIL else self.folder / (path or "index.html")
        file = file / "index.html" if file.is_dir() else file
        if url.startswith(self.site) and file.is_file():
            kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
            route.fulfill(body=file.read_bytes(), content_type=f"{kind}; charset=utf-8")
        else:
            self.complaints.append(f"asked for {url}")
            route.abort()

    def hear(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)


@contextmanager
def window(
    browser: Browser,
    site: str,
    folder: Path,
    mail: Path,
    *,
    width: int,
    scheme: Scheme = "light",
    scale: float = 1,
) -> Iterator[Shown]:
    """A window of this width in CSS pixels that prefers this colour scheme."""
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, device_scale_factor=scale
    )
    shown = Shown(page=context.new_page(), site=site, folder=folder, mail=mail)
    shown.page.route("**/*", shown.answer)
    shown.page.on("console", shown.hear)
    shown.page.on("pageerror", lambda error: shown.complaints.append(str(error)))
    try:
        yield shown
    finally:
        context.close()
