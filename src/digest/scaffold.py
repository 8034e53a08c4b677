"""A project to begin with, and a post to begin with: the files that `digest init` and `digest new` write.

They never replace a file that is there.
"""

from __future__ import annotations

import json
import os
import re
from datetime import datetime
from pathlib import Path
from string import Template
from zoneinfo import ZoneInfo

from digest.characters import one_line, slugify
from digest.errors import UsageError
from digest.settings import FILE, Settings
from digest.theme import SHIPPED

_PROJECT = SHIPPED / "project"
_NAMES = {"gitignore": ".gitignore"}


def init(folder: Path, now: datetime, *, title: str = "", timezone: str = "") -> list[Path]:
    """Write a project that builds at once. Returns its files. Raises UsageError where one is there."""
    if (folder / FILE).exists():
        cure = "work in it with `digest preview`, or name another folder"
        raise UsageError(f"{folder} is a project already", cure=cure)
    zone = timezone or local_zone()
    title = one_line(title) or _title_of(folder)
    today = now.astimezone(ZoneInfo(zone)).date()
    title = title.replace('"', "'").replace("\\", "")
    values = {
        "title": title,
        "sender": title if re.fullmatch(r"[\w '-]+", title) else f'\\"{title}\\"',  # RFC 5322, section 3.2.4
        "host": f"{slugify(title)}.example.org",
        "author": "The editors",
        "timezone": zone,
        "year": str(today.year),
        "today": today.isoformat(),
        "starts": today.isoformat(),
    }
    made = []
    for source in sorted(path for path in _PROJECT.rglob("*") if path.is_file()):
        name = source.relative_to(_PROJECT).as_posix()
        target = folder / _NAMES.get(name, name)
        if target.exists():
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(Template(source.read_text("utf-8")).safe_substitute(values), encoding="utf-8")
        made.append(target)
    return made


def new(settings: Settings, title: str, now: datetime, *, tags: tuple[str, ...] = ()) -> Path:
    """Write an empty post with its front matter filled in: a draft, so that nothing goes out half written."""
    title = one_line(title)
    if not title:
        raise UsageError("a post needs a title", cure='digest new "What was found"')
    local = now.astimezone(ZoneInfo(settings.site.timezone))
    path = settings.posts / f"{local.date().isoformat()}-{slugify(title)}.md"
    if path.exists():
        raise UsageError(f"there is already a {path.relative_to(settings.root)}", cure="choose another title")
    quoted = json.dumps(title, ensure_ascii=False)  # a JSON string is a YAML string
    listed = ", ".join(json.dumps(tag, ensure_ascii=False) for tag in tags)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        f"---\ntitle: {quoted}\ndate: {local:%Y-%m-%d %H:%M}\n"
        "draft: true          # delete this line to publish\n"
        f'tags: [{listed}]\nbottom_line: ""      # the one sentence that leads everywhere\n---\n'
        "- Authors. Journal year; volume: pages. Title\n\nMethods: \n\nKey findings:\n- \n\nMy take: \n",
        encoding="utf-8",
    )
    return path


def local_zone() -> str:
    """The IANA name of this machine's time zone, or UTC where it does not say."""
    try:
        name = os.path.realpath("/etc/localtime").partition("zoneinfo/")[2]
        ZoneInfo(name)
    except (OSError, ValueError, KeyError):
        return "UTC"
    return name if "/" in name else "UTC"


def _title_of(folder: Path) -> str:
    words = folder.resolve().name.replace("-", " ").replace("_", " ").strip()
    return one_line(words[:1].upper() + words[1:]) or "My letter"
