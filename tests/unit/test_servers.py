"""What `digest build` writes for nginx, Caddy and Apache; that they do as it says is tested with them."""

from __future__ import annotations

from pathlib import Path

import pytest
from program import SETTINGS, build, digest, letter, tree, written

from digest.publish import serving
from digest.publish.servers import DYNAMIC, FILES
from digest.web.app import PREFIXES


def configured(folder: Path, settings: str = SETTINGS) -> dict[str, str]:
    """The files by their names, as a build writes them."""
    project = letter(folder / "letter", written("One"), settings=settings)
    assert build(project).code == 0
    return {name: body.decode() for name, body in tree(project / ".digest/servers").items()}


def test_there_is_one_for_each_with_the_sites_address_and_folder(tmp_path: Path) -> None:
    found = configured(tmp_path)
    assert found.keys() == set(FILES)
    for text in found.values():
        assert "baseline.example.org" in text
        assert f'"{tmp_path / "letter/public"}' in text
        assert serving.POLICY in text
        assert "127.0.0.1:8000" in text
    assert "certbot --nginx -d baseline.example.org" in found["nginx.conf"]
    assert "\nhttps://baseline.example.org {" in found["Caddyfile"]


def test_without_a_newsletter_nothing_is_passed_on(tmp_path: Path) -> None:
    for text in configured(tmp_path, SETTINGS.partition("[newsletter]")[0]).values():
        assert "8000" not in text
        assert "subscribe" not in text


def test_all_that_our_server_answers_itself_is_passed_on() -> None:
    assert {f"{name}/" for name in DYNAMIC} == set(PREFIXES)


@pytest.mark.parametrize(
    ("address", "reached"),
    [("0.0.0.0", "127.0.0.1"), ("::", "127.0.0.1"), ("::1", "[::1]"), ("10.0.0.5", "10.0.0.5")],
)
def test_the_server_behind_is_named_by_where_it_can_be_reached(
    tmp_path: Path, address: str, reached: str
) -> None:
    for text in configured(tmp_path, f'{SETTINGS}\n[web]\naddress = "{address}"\nport = 9000\n').values():
        assert f"{reached}:9000" in text


def test_an_author_may_write_another(tmp_path: Path) -> None:
    project = letter(tmp_path / "letter", written("One"))
    own = project / "templates/servers/nginx.conf"
    own.parent.mkdir(parents=True)
    own.write_text("# {{ host }}: my own\n")
    build(project)
    assert (project / ".digest/servers/nginx.conf").read_text() == "# baseline.example.org: my own\n"
    own.write_text("{{ nothing }}")
    assert "templates/servers/nginx.conf" in build(project).err


def test_what_did_not_change_is_not_written_and_a_look_writes_nothing(tmp_path: Path) -> None:
    project = letter(tmp_path / "letter", written("One"))
    assert digest("--project", project, "check").code == 0
    assert not (project / ".digest/servers").exists()
    build(project)
    before = (project / ".digest/servers/nginx.conf").stat().st_mtime_ns
    build(project)
    assert (project / ".digest/servers/nginx.conf").stat().st_mtime_ns == before


def test_the_tables_of_types_agree() -> None:
    assert serving.type_of("archive/2024.atom.xml") == "application/atom+xml; charset=utf-8"
    assert serving.type_of("a.mp3") == "audio/mpeg"
    assert serving.type_of("files/data.csv.gz") == "application/gzip"
    assert serving.type_of("CNAME") == "application/octet-stream"
    assert serving.type_of("files/UPPER.PNG") == "image/png"
