"""The program as others get it: a wheel, installed into an environment of its own, run from elsewhere."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest
from program import ROOT

pytestmark = pytest.mark.install


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an environment with the wheel in it and what the wheel asks for, nothing else."""
    folder = tmp_path_factory.mktemp("installed")
    run(sys.executable, "-m", "build", "--wheel", "--outdir", folder, ROOT)
    wheels = list(folder.glob("*.whl"))
    assert len(wheels) == 1
    venv.create(folder / "venv", with_pip=True)
    pip: list[str | Path] = [
        folder / "venv/bin/python",
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
    ]
    run(*pip, "--constraint", ROOT / "constraints.txt", wheels[0])
    return folder / "venv"


def run(*command: str | Path, cwd: Path | None = None) -> str:
    """The output of a command that must end well, run without this checkout on the path."""
    env = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}
    done = subprocess.run(
        list(map(str, command)), cwd=cwd, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_wheel_takes_a_project_from_nothing_to_its_next_mail(installed: Path, tmp_path: Path) -> None:
    digest = installed / "bin/digest"
    run(digest, "init", "letter", cwd=tmp_path)
    project = tmp_path / "letter"
    run(digest, "build", cwd=project)
    run(digest, "check", cwd=project / "posts")
    run(digest, "render", "next", "--to", "issue", cwd=project)
    assert "<main" in (project / "public/index.html").read_text("utf-8")
    assert (project / "public/style.css").stat().st_size > 1000
    assert {path.suffix for path in (project / "issue").iterdir()} == {".html", ".txt", ".eml"}


def test_the_wheel_brings_its_templates_along(installed: Path) -> None:
    script = (
        "from digest.theme import SHIPPED; print(SHIPPED); print(*sorted(p.name for p in SHIPPED.iterdir()))"
    )
    where, names = run(installed / "bin/python", "-c", script, cwd=installed).splitlines()
    assert Path(where).is_relative_to(installed)
    assert {"email", "preview", "project", "site"} <= set(names.split())


def test_the_wheel_can_be_run_as_a_module_and_knows_its_version(installed: Path, tmp_path: Path) -> None:
    python = installed / "bin/python"
    version = run(python, "-c", "from importlib.metadata import version; print(version('digest-press'))")
    assert run(python, "-m", "digest", "--version", cwd=tmp_path) == f"digest {version}"


def test_an_editable_install_finds_its_templates_too(installed: Path, tmp_path: Path) -> None:
    venv.create(tmp_path / "venv", with_pip=True)
    python = tmp_path / "venv/bin/python"
    pip: list[str | Path] = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    run(*pip, "--no-deps", "--constraint", ROOT / "constraints.txt", "--editable", ROOT)
    others = next(installed.glob("lib/python*/site-packages"))
    script = (
        f"import sys; sys.path.append({str(others)!r}); "
        "from digest.theme import SHIPPED; from digest.cli import main; print(SHIPPED); "
        f"sys.argv[1:] = ['init', {str(tmp_path / 'letter')!r}]; main()"
    )
    assert Path(run(python, "-c", script).splitlines()[0]) == ROOT / "templates"
    assert (tmp_path / "letter/digest.toml").is_file()
