"""Compressed twins: whose they are, that they are the same for the same bytes, and that damage is noticed."""

from __future__ import annotations

import pytest

from digest.twins import PACKERS, has_twins, is_twin, twins_of, unpacks_to

BODY = b"Five were treated. " * 100


@pytest.mark.parametrize("name", ["atom.xml", "posts/one/index.html", "feed.json", "a.BIB", "files/a b.csv"])
def test_text_has_twins(name: str) -> None:
    assert twins_of(name) == (f"{name}.br", f"{name}.gz")
    assert all(map(is_twin, twins_of(name)))


@pytest.mark.parametrize(
    "name", ["chart.png", "a.pdf", "scan.webp", "data.csv.gz", "CNAME", "folder.xml/file"]
)
def test_pictures_and_what_is_packed_already_have_none(name: str) -> None:
    assert not has_twins(name)
    assert twins_of(name) == ()
    assert not is_twin(f"{name}.gz")


@pytest.mark.parametrize("ending", PACKERS)
def test_a_twin_holds_its_file_and_nothing_else(ending: str) -> None:
    twin = PACKERS[ending](BODY)
    assert twin == PACKERS[ending](BODY)
    assert len(twin) < len(BODY) / 5
    assert unpacks_to(f"a{ending}", twin, BODY)
    for wrong in (twin[:-1], twin + b"x", b"", b"x" + twin, PACKERS[ending](BODY + b"x"), BODY):
        assert not unpacks_to(f"a{ending}", wrong, BODY)


@pytest.mark.parametrize("ending", PACKERS)
def test_an_empty_file_has_twins_too(ending: str) -> None:
    assert unpacks_to(f"a{ending}", PACKERS[ending](b""), b"")
