"""The same posts give the same bytes: on another day, in another zone, in another file order."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from conftest import Sample
from program import apart, environment, tree

HERE = {"TZ": "UTC", "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", "PYTHONHASHSEED": "1"}


@dataclass(frozen=True, kw_only=True)
class Elsewhere:
    """How another machine differs from this one."""

    environment: dict[str, str] = field(default_factory=dict)
    now: str = "2026-11-18T09:00"
    backwards: bool = False
    """Whether the files were made in another order, long ago."""
    below: bool = False
    """Whether the command runs in a folder of the project, and not beside it."""


MACHINES = {
    "another zone": Elsewhere(environment={"TZ": "Pacific/Auckland"}),
    "another locale": Elsewhere(environment={"LANG": "C", "LC_ALL": "C", "LC_TIME": "C"}),
    "another hash seed": Elsewhere(environment={"PYTHONHASHSEED": "4711"}),
    "other files and folder": Elsewhere(backwards=True, below=True),
    "another day": Elsewhere(now="2026-11-19T18:30:00+00:00"),
}


def made(sample: Sample, folder: Path, machine: Elsewhere) -> tuple[dict[str, bytes], dict[str, bytes]]:
    """Site and next mail as another machine makes them of the same posts and ledger."""
    folder.mkdir(parents=True)
    (folder / ".digest").mkdir()
    shutil.copy(sample.project / ".digest/digest.db", folder / ".digest")
    names = sorted((name for name in tree(sample.project / "posts")), reverse=machine.backwards)
    for name in ["../digest.toml", *names]:
        target = folder / "posts" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(sample.project / "posts" / name, target)
        if machine.backwards:
            os.utime(target, (1_000_000_000 + len(name), 1_000_000_000 + len(name)))
    env = environment(**{**HERE, **machine.environment})
    cwd = folder / "posts" if machine.below else folder.parent
    where = [] if machine.below else ["--project", str(folder)]
    for command in (["build"], ["render", "next", "--to", str(folder / "issue")]):
        ran = apart(*where, "--now", machine.now, *command, cwd=cwd, env=env)
        assert (ran.code, "Traceback" in ran.err) == (0, False), ran.err
    return tree(folder / "public"), tree(folder / "issue")


@pytest.mark.parametrize("name", MACHINES)
def test_the_same_posts_give_the_same_bytes(sample: Sample, tmp_path: Path, name: str) -> None:
    site, mail = made(sample, tmp_path / "elsewhere", MACHINES[name])
    assert differing(site, tree(sample.site)) == []
    assert differing(mail, tree(sample.project / "issue")) == []
    assert len(mail) == 3


def differing(one: dict[str, bytes], other: dict[str, bytes]) -> list[str]:
    return sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))
