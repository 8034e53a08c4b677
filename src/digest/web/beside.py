"""The web in a process of its own, beside `digest run`: neither waits for the other or takes it along.

The socket is bound here and handed down, so that a port in use is said before anything begins, and a visitor
who comes while the process is started anew waits instead of being refused. A process that ends by itself is
started again, after growing pauses where it does so again and again.
"""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
"""Seconds before it is started again."""

_STEADY = 60.0
"""Who has lived for so many seconds begins with the first pause again."""

_GRACE = 15.0
"""Seconds until a process that was asked to end is ended."""


@contextmanager
def served(
    project: Path, sockets: Sequence[socket.socket], tell: Callable[[str], None], *, as_json: bool = False
) -> Iterator[None]:
    """`digest serve` of the project on these sockets, for as long as this lasts."""
    ended = threading.Event()
    keeper = _Keeper(project, sockets, tell, as_json, ended)
    thread = threading.Thread(target=keeper.keep, name="web", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        keeper.end()
        thread.join(_GRACE + 5)


class _Keeper:
    def __init__(
        self,
        project: Path,
        sockets: Sequence[socket.socket],
        tell: Callable[[str], None],
        as_json: bool,
        ended: threading.Event,
    ) -> None:
        self._numbers = [held.fileno() for held in sockets]
        options = [f"--fd={number}" for number in self._numbers]
        shape = ["--json"] if as_json else []
        self._command = [
            *(sys.executable, "-m", "digest", "--project", str(project)),
            *(*shape, "serve", *options),
        ]
        self._tell = tell
        self._ended = ended
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def keep(self) -> None:
        pause = FIRST_PAUSE
        while not self._ended.is_set():
            began = time.monotonic()
            code = self._run()
            if self._ended.is_set():
                return
            pause = FIRST_PAUSE if time.monotonic() - began > _STEADY else pause
            self._tell(f"the web has ended by itself (exit code {code}); it starts again in {pause:.0f} s")
            self._ended.wait(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    def _run(self) -> int:
        with self._lock:
            if self._ended.is_set():
                return 0
            # In a group of its own: Ctrl-C is for `digest run`, which then ends the web in its turn.
            # It ends when its standard input does: that is held open by this process alone, killed or not.
            self._process = subprocess.Popen(
                self._command, pass_fds=self._numbers, start_new_session=True, stdin=subprocess.PIPE
            )
        with self._process:
            return self._process.wait()

    def end(self) -> None:
        """Asks it to finish what it answers, and ends it where it does not."""
        with self._lock:
            process = self._process
        if process is None or process.poll() is not None:
            return
        process.terminate()
        try:
            process.wait(_GRACE)
        except subprocess.TimeoutExpired:
            process.kill()
