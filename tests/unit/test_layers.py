"""The rows of the house: what imports what, and that the thinking modules touch nothing outside."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from program import ROOT, environment

PACKAGE = ROOT / "src/digest"
OUTSIDE = {"os", "socket", "smtplib", "sqlite3", "subprocess", "urllib.request", "http", "time", "random"}
ROWS = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"][0][
    "layers"
]
THINKING = sorted(name.strip() for row in ROWS[-3:] for name in row.split(":"))


def test_a_module_imports_only_from_rows_below_its_own() -> None:
    lint = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [lint, "--no-cache"], cwd=ROOT, env=environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
    assert "1 kept, 0 broken" in done.stdout


@pytest.mark.parametrize("name", THINKING)
def test_a_thinking_module_reads_no_clock_disk_network_or_database(name: str) -> None:
    files = (
        [PACKAGE / f"{name}.py"]
        if (PACKAGE / f"{name}.py").is_file()
        else sorted((PACKAGE / name).rglob("*.py"))
    )
    assert files
    found = {(path.name, module) for path in files for module in imported(path)}
    wrong = {(where, module) for where, module in found if outside(module)}
    assert wrong == set()


def outside(module: str) -> bool:
    return any(module == name or module.startswith(f"{name}.") for name in OUTSIDE)


def imported(path: Path) -> Iterator[str]:
    """Every module that a file names in an import, wherever in the file it stands."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
