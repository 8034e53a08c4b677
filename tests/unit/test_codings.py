"""The encoding that a reader wants most: RFC 9110, section 12.5.3."""

from __future__ import annotations

import pytest

from digest.web.codings import wanted

CASES = {
    None: ["identity"],
    b"": ["identity"],
    b"gzip": ["gzip", "identity"],
    b"x-gzip": ["gzip", "identity"],
    b"gzip, deflate, br, zstd": ["br", "gzip", "identity"],
    b"GZIP;Q=0.5 , Br ; q=0.8": ["br", "gzip", "identity"],
    b"br;q=0.5, gzip;q=0.8": ["gzip", "br", "identity"],
    b"gzip;q=0": ["identity"],
    b"gzip;q=0.000, br": ["br", "identity"],
    b"*": ["br", "gzip", "identity"],
    b"*;q=0": ["identity"],
    b"br;q=0, *": ["gzip", "identity"],
    b"identity": ["identity"],
    b"identity;q=0.5, gzip;q=0.2": ["identity", "gzip"],
    b"identity;q=0, gzip": ["gzip", "identity"],
    b"deflate": ["identity"],
    b"gzip;q=high, br": ["br", "identity"],
    b"gzip;" + b"q" * 5000: ["identity"],
}


@pytest.mark.parametrize("asked", CASES, ids=lambda asked: repr(asked)[:40])
def test_a_reader_gets_what_it_weighs_most_and_never_what_it_refuses(asked: bytes | None) -> None:
    assert [coding or "identity" for coding in wanted(asked)] == CASES[asked]
