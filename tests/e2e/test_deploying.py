"""What stands in deploy/ is what its readers get: checked as far as that goes without their machines.

systemd's own checker reads the unit. The Dockerfile's lines are done without an engine: what it copies is
there, what it installs is installed, what it starts is a command, and its check of health tells well from
not. Of the compose file its own names are followed, and the one shell line in it is run.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import yaml
from program import ROOT, digest

DEPLOY = ROOT / "deploy"
EXPOSED_AT_MOST = 20
"""Of 100: systemd calls 20 `OK`, and a unit without any of this is at 96."""


def does(*command: str | Path, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False, **options)


def is_a_command(*words: str) -> bool:
    return digest(*words, "--help").code == 0


# ------------------------------------------------------------------------------------------- systemd


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """The unit as an operator has it, who has changed the path of the program."""
    text = (DEPLOY / "digest.service").read_text("utf-8")
    there = Path(sys.executable).with_name("digest")
    made = tmp_path / "digest.service"
    made.write_text(text.replace("/srv/digest/bin/digest", str(there)), "utf-8")
    return made


def test_systemd_finds_nothing_wrong_with_the_unit(unit: Path) -> None:
    checked = does("systemd-analyze", "verify", "--man=no", unit)
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


def test_the_unit_leaves_little_of_the_machine_within_reach(unit: Path) -> None:
    checked = does(
        *("systemd-analyze", "security", "--offline=true", "--no-pager"),
        *(f"--threshold={EXPOSED_AT_MOST}", unit),
    )
    assert checked.returncode == 0, checked.stdout[-200:]


def test_the_unit_runs_a_command_and_writes_where_the_project_is() -> None:
    text = (DEPLOY / "digest.service").read_text("utf-8")
    keys = dict(line.split("=", 1) for line in text.splitlines() if re.match(r"\w+=", line))
    program, *words = shlex.split(keys["ExecStart"])
    assert Path(program).name == "digest"
    assert is_a_command(*words)
    assert keys["ReadWritePaths"] == keys["WorkingDirectory"]
    assert keys["KillMode"] == "mixed"
    assert int(keys["TimeoutStopSec"]) > 30


# ------------------------------------------------------------------------------------------ Dockerfile


def instructions() -> list[tuple[str, str]]:
    """Each instruction of the Dockerfile with its rest, lines put together."""
    text = re.sub(r"\\\n\s*", "", (DEPLOY / "Dockerfile").read_text("utf-8"))
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(line.split(" ", 1)[0], line.split(" ", 1)[1]) for line in lines]


def of(name: str) -> list[str]:
    return [rest for found, rest in instructions() if found == name]


def test_the_image_runs_a_command_as_somebody_without_rights_and_is_told_to_stop_by_sigterm() -> None:
    assert instructions()[0] == ("FROM", "python:3.13-slim")
    (entry,), (command,) = map(json.loads, of("ENTRYPOINT")), map(json.loads, of("CMD"))
    assert entry == ["digest"]
    assert is_a_command(*command)
    assert of("STOPSIGNAL") == ["SIGTERM"]
    (user,) = of("USER")
    assert user == "digest"
    assert any(re.search(rf"useradd .*\b{user}\b", line) for line in of("RUN"))
    names = [name for name, _ in instructions()]
    assert names.index("USER") > max(place for place, name in enumerate(names) if name == "RUN")
    assert of("VOLUME") == of("WORKDIR") == ["/letter"]


@pytest.mark.install
def test_what_the_image_copies_is_there_and_what_it_installs_is_the_program(tmp_path: Path) -> None:
    for line in of("COPY"):
        *sources, target = line.split()
        for source in sources:
            assert (ROOT / source).exists(), source
            place = tmp_path / target.strip("/")
            if (ROOT / source).is_dir():
                shutil.copytree(ROOT / source, place, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                place.mkdir(exist_ok=True)
                shutil.copy(ROOT / source, place)
    line = next(run for run in of("RUN") if run.startswith("pip install"))
    venv.create(tmp_path / "venv", with_pip=True)
    # What it depends on is installed by other tests: here its own line has to be right.
    env = {**os.environ, "PATH": f"{tmp_path / 'venv/bin'}:/usr/bin:/bin"}
    env = {name: value for name, value in env.items() if not name.startswith("PYTHON")}
    line = line.replace("pip install", "pip install --no-deps").replace("/src", str(tmp_path / "src"))
    done = does("sh", "-ec", line, env=env, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert not (tmp_path / "src").exists()
    others = Path(yaml.__file__).parents[1]
    asked = does(tmp_path / "venv/bin/digest", "--version", env={**env, "PYTHONPATH": str(others)})
    assert asked.stdout.startswith("digest "), asked.stderr
    shown = does(
        tmp_path / "venv/bin/python",
        "-c",
        "import digest.theme as t; print(t.SHIPPED)",
        env={**env, "PYTHONPATH": str(others)},
    )
    assert Path(shown.stdout.strip()).is_relative_to(tmp_path / "venv")
    assert (Path(shown.stdout.strip()) / "site").is_dir()


@contextmanager
def answering(status: int) -> Iterator[int]:
    """The port of a server that says this of its health."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/healthz" else 404)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_the_check_of_health_tells_well_from_not() -> None:
    (line,) = of("HEALTHCHECK")
    python, option, program = json.loads(line.partition("CMD ")[2])
    assert (python, option) == ("python", "-c")
    codes = []
    for status in (200, 503):
        with answering(status) as port:
            codes.append(does(sys.executable, "-c", program.replace("8000", str(port))).returncode)
    codes.append(does(sys.executable, "-c", program.replace("8000", "9")).returncode)
    assert codes == [0, 1, 1]


# --------------------------------------------------------------------------------------------- compose


def compose() -> dict[str, Any]:
    found = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))
    assert isinstance(found, dict)
    return found


SERVICE_KEYS = {
    *("image", "entrypoint", "command", "volumes", "ports", "secrets", "depends_on", "restart"),
    *("stop_grace_period", "read_only", "tmpfs", "cap_drop", "security_opt", "environment", "healthcheck"),
}
"""Of the Compose specification, those that are used here."""


def test_every_name_in_the_compose_file_leads_somewhere() -> None:
    found = compose()
    assert found.keys() == {"services", "secrets", "volumes"}
    for service in found["services"].values():
        assert service.keys() <= SERVICE_KEYS
        assert set(service["secrets"]) <= found["secrets"].keys()
        assert service["restart"] == "unless-stopped"
        for other, how in service.get("depends_on", {}).items():
            assert how == {"condition": "service_healthy"}
            assert "healthcheck" in found["services"][other]
        named = [volume.partition(":")[0] for volume in service["volumes"]]
        assert {name for name in named if not name.startswith(".")} <= found["volumes"].keys()


def test_secrets_are_files_and_stand_in_no_setting_and_no_environment() -> None:
    found = compose()
    assert all(secret.keys() == {"file"} for secret in found["secrets"].values())
    text = (DEPLOY / "compose.yaml").read_text("utf-8")
    for place in re.findall(r"/run/secrets/(\w+)", text):
        assert place in found["secrets"]
    assert "POSTGRES_PASSWORD_FILE" in found["services"]["db"]["environment"]


def test_the_web_is_reached_from_this_machine_alone_and_the_database_from_no_machine() -> None:
    services = compose()["services"]
    (port,) = of("EXPOSE")
    assert services["digest"]["ports"] == [f"127.0.0.1:{port}:{port}"]
    assert "ports" not in services["db"]
    assert services["digest"]["volumes"] == [f".:{of('WORKDIR')[0]}"]


def test_the_containers_program_has_the_password_and_is_who_is_told_to_stop(tmp_path: Path) -> None:
    service = compose()["services"]["digest"]
    assert is_a_command(*service["command"])
    fake = tmp_path / "bin/digest"
    fake.parent.mkdir()
    fake.write_text('#!/bin/sh\necho "$$ $PGPASSWORD $*"\nexec sleep 30\n')
    fake.chmod(0o755)
    (tmp_path / "db_password").write_text('a word\'s "secret" $HOME\n')
    # As compose hands it on: $$ is a dollar.
    entry = [part.replace("$$", "$").replace("/run/secrets", str(tmp_path)) for part in service["entrypoint"]]
    env = {"PATH": f"{fake.parent}:/usr/bin:/bin"}
    command = [*entry, *service["command"], "--once"]
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == f'{process.pid} a word\'s "secret" $HOME run --once\n'
        process.send_signal(signal.SIGTERM)
        assert process.wait(5) == -signal.SIGTERM


def test_the_databases_address_in_the_compose_file_is_one_that_the_store_takes() -> None:
    text = (DEPLOY / "compose.yaml").read_text("utf-8")
    database = compose()["services"]["db"]["environment"]
    address = f"postgresql://{database['POSTGRES_USER']}@db/{database['POSTGRES_DB']}"
    assert f'url = "{address}"' in text
