"""`digest preview`: site, feeds, the next issue and what readers meet, on this machine, following every save.

`serve` builds into `.digest/preview/`, watches posts, templates and settings, and builds again what changed;
open pages reload themselves. Nothing is recorded: not in the ledger, not in the public site. It stays until
it is interrupted.
"""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from types import FrameType

from digest.model import Severity
from digest.preview.pages import ROOT
from digest.preview.server import Server
from digest.preview.workbench import Workbench
from digest.settings import FILE, Settings

_LOOK_MILLISECONDS = 250
"""How often clock and settings are looked at while no post and no template changes."""


def serve(
    settings: Settings,
    *,
    clock: Callable[[], datetime],
    port: int = 8000,
    drafts: bool = True,
    open_browser: bool = False,
    say: Callable[[str], None] | None = None,
) -> None:
    """Serve the preview on 127.0.0.1 until SIGINT or SIGTERM; `port` 0 takes a free one.

    The author's mistakes are shown on the pages and told to `say` (standard error, if none is given). Raises
    UsageError where the port is taken.
    """
    say = say or _to_standard_error
    bench = Workbench(settings, clock, drafts=drafts)
    server = Server(bench, port)
    try:
        with _ended_by_signals():
            bench.refresh()
            _tell(bench, say)
            threading.Thread(target=server.serve_forever, name="preview", daemon=True).start()
            say(f"Preview: {server.url}{ROOT}")
            say(f"         {server.url}{settings.site.base} is the site alone.")
            say("next: edit a post and save it; the page follows. Ctrl-C ends the preview.")
            if open_browser:
                _open(f"{server.url}{ROOT}")
            _follow(bench, say)
    except KeyboardInterrupt:
        say("The preview has ended; nothing was recorded.")
    finally:
        server.ended.set()
        server.server_close()


def _follow(bench: Workbench, say: Callable[[str], None]) -> None:
    """Build again after every save, and when a post becomes public; ends by KeyboardInterrupt.

    Only posts and templates are watched: the folders beside them hold what builds write.
    """
    from watchfiles import watch

    root, stamp = bench.settings.root, _stamp(bench.settings.root)
    while True:
        folders = [folder for folder in (root / "posts", root / "templates") if folder.is_dir()]
        for changes in watch(
            *(folders or [root]),
            recursive=bool(folders),
            watch_filter=lambda _change, path: not _leaving(Path(path), root),
            step=50,
            debounce=400,
            rust_timeout=_LOOK_MILLISECONDS,
            yield_on_timeout=True,
            raise_interrupt=True,
        ):
            before, stamp = stamp, _stamp(root)
            if changes or stamp != before or bench.due():
                bench.refresh([Path(path) for _, path in changes])
                _tell(bench, say)
            if stamp[1:] != before[1:]:
                break  # a folder has come or gone, and is watched from now on, or not


def _stamp(root: Path) -> tuple[int, ...]:
    """Changes when the settings are saved, and when `posts/` or `templates/` come, go or are replaced."""

    def of(path: Path, field: str) -> int:
        try:
            return int(getattr(path.stat(), field))
        except OSError:
            return 0

    return of(root / FILE, "st_mtime_ns"), of(root / "posts", "st_ino"), of(root / "templates", "st_ino")


def _leaving(path: Path, root: Path) -> bool:
    """Whether an editor or version control has left the file; no build depends on it."""
    parts = path.relative_to(root).parts if path.is_relative_to(root) else path.parts[-1:]
    return any(part.startswith(".") or part.endswith("~") for part in parts)


def _tell(bench: Workbench, say: Callable[[str], None]) -> None:
    if bench.built and not bench.problems:
        hidden = f", {len(bench.hidden)} not public yet" if bench.hidden and bench.drafts else ""
        say(f"Built: {bench.built.posts:,} posts{hidden}; {bench.built.written:,} files new or changed.")
    for finding in bench.problems:
        say(f"{Severity.ERROR.value} {finding}")


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """SIGTERM ends the preview as Ctrl-C does, also where the shell started it with SIGINT ignored."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _open(url: str) -> None:
    import webbrowser

    webbrowser.open(url)


def _to_standard_error(text: str) -> None:
    sys.stderr.write(text + "\n")
    sys.stderr.flush()
