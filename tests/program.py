"""The whole program as a person runs it: its commands, the sample publication, and what they leave behind."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from digest.characters import slugify
from digest.cli import main

ROOT = Path(__file__).parents[1]
SITE = "https://remission.example.org/"

_DEMO = (ROOT / "scripts/demo").read_text("utf-8")
NOW = re.findall(r"^NOW=(\S+)$", _DEMO, re.M)[0]
"""Where the demo's clock stands."""
CUTOFFS = re.findall(r"^for day in (.*); do$", _DEMO, re.M)[0].split()


@dataclass(frozen=True, kw_only=True)
class Ran:
    """What a command left behind: its exit code, its report, and what went beside it."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def digest(*args: str | Path) -> Ran:
    """Run one command in this process, with its own standard output and error."""
    out, err, argv = io.StringIO(), io.StringIO(), sys.argv
    sys.argv = ["digest", *map(str, args)]
    code = 0
    try:
        with redirect_stdout(out), redirect_stderr(err):
            main()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 0
    finally:
        sys.argv = argv
    return Ran(code=code, out=out.getvalue(), err=err.getvalue())


def environment(**changes: str) -> dict[str, str]:
    """For a process of its own that is to find this checkout."""
    return {**os.environ, "PYTHONPATH": str(ROOT / "src"), **changes}


def apart(*args: str | Path, cwd: Path | None = None, env: Mapping[str, str] | None = None) -> Ran:
    """Run one command in a process of its own, and wait for it."""
    done = subprocess.run(
        [sys.executable, "-m", "digest", *map(str, args)],
        cwd=cwd,
        env=dict(env) if env is not None else environment(),
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        timeout=120,
    )
    return Ran(code=done.returncode, out=done.stdout, err=done.stderr)


def publication(folder: Path) -> Path:
    """A copy of the sample publication, with nothing made of it yet."""
    folder.mkdir(parents=True)
    shutil.copytree(ROOT / "posts", folder / "posts")
    shutil.copy(ROOT / "digest.toml", folder)
    return folder


def replay(project: Path) -> None:
    """Six Thursdays at 19:00: cut what waits and approve it, as the demo does."""
    for day in CUTOFFS:
        cut = digest("--project", project, "--json", "--now", f"{day}T19:00", "issue", "cut")
        if cut.code == 0:
            found = cut.json
            digest(
                *("--project", project, "--now", f"{day}T20:00"),
                *("issue", "approve", str(found["issue"]), "--hash", found["hash"]),
            )


def letter(folder: Path, *posts: str, settings: str = "") -> Path:
    """A small project. Each post is the text of its file, which is called after its title: `one.md`."""
    (folder / "posts").mkdir(parents=True)
    (folder / "digest.toml").write_text(settings or SETTINGS, "utf-8")
    for text in posts:
        title = re.search(r'title: "(.*)"', text)
        (folder / "posts" / f"{slugify(title[1]) if title else 'untitled'}.md").write_text(text, "utf-8")
    return folder


def written(
    title: str, *, date: str = "2024-11-04 09:00", body: str = "Five were treated.", **front: str
) -> str:
    """A post's file: front matter with a title and a date, and a body."""
    more = "".join(f"{key}: {value}\n" for key, value in front.items())
    return f'---\ntitle: "{title}"\ndate: "{date}"\n{more}---\n\n{body}\n'


LETTER_NOW = "2024-11-20T09:00"
"""The clock of a small project: behind every machine's own, so that what is looked at is remembered."""

SETTINGS = """\
[site]
title = "Baseline"
url = "https://baseline.example.org"
id_host = "baseline.example.org"
id_year = 2024
author = "The editors"
timezone = "Europe/London"

[newsletter]
sender = "Baseline <weekly@baseline.example.org>"
postal_address = "1 Example Street, London"
on = "friday"
at = "07:00"
starts = 2024-10-01
"""


def tree(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, by its path with slashes."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def build(project: Path, *options: str, now: str = LETTER_NOW) -> Ran:
    """Build a small project."""
    return digest("--project", project, "--now", now, "build", *options)


def beginning(project: Path, *options: str, limit: Callable[[], None] | None = None) -> subprocess.Popen[str]:
    """A build in a process of its own, which is not waited for."""
    return subprocess.Popen(
        [sys.executable, "-m", "digest", "--project", str(project), "--now", LETTER_NOW, "build", *options],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=limit,
    )


def many(count: int, *, words: int = 60) -> list[str]:
    """Posts enough for a build to take a while; each links to the one before it."""
    body = (
        "Five of {n} were treated, and four of them were in remission.\n\n[before](trial-{before}.md)\n\n"
        + "Word. " * words
    )
    return [
        written(
            f"Trial {n}",
            date=f"2024-{n % 10 + 1:02}-{n % 28 + 1:02} 09:00",
            body=body.format(n=n, before=n - 1 or 1),
        )
        for n in range(1, count + 1)
    ]


def edit(project: Path, name: str, old: str, new: str) -> None:
    """Change a file of a project by hand."""
    path = project / name
    source = path.read_text("utf-8")
    assert old in source
    path.write_text(source.replace(old, new), "utf-8")
