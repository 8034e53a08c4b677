"""Where a visitor comes from: what the peer or our own proxies say, and never what the visitor says."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.web.visitor import MOST_HOPS, network_of, visitor

PROXIES = ("127.0.0.1/32", "10.0.0.0/8", "fd00::/8")
PEER, READER, LIAR = "10.0.0.1", "203.0.113.9", "198.51.100.66"
ADDRESSES = st.ip_addresses()
NOT_OURS = ADDRESSES.filter(
    lambda one: not any(one in ip_network(text) for text in PROXIES) and not getattr(one, "ipv4_mapped", None)
)
HOSTILE = st.lists(st.text(max_size=80) | ADDRESSES.map(str), max_size=30).map(",".join)


@pytest.mark.parametrize(
    ("peer", "forwarded", "seen"),
    [
        (READER, [], READER),
        (READER, [LIAR], READER),
        (PEER, [], PEER),
        (PEER, [READER], READER),
        (PEER, [f"{LIAR}, {READER}"], READER),
        (PEER, [f"{LIAR}, {READER}, 10.0.0.7"], READER),
        (PEER, [f"{LIAR}", f"{READER}, 10.0.0.7", "10.9.9.9"], READER),
        (PEER, ["10.0.0.2, 10.0.0.3"], "10.0.0.2"),
        (PEER, [f" {READER}\t"], READER),
        (PEER, [f"{READER}:4711"], READER),
        (PEER, ["2001:db8::17"], "2001:db8::17"),
        (PEER, ["[2001:db8::17]"], "2001:db8::17"),
        (PEER, ["[2001:db8::17]:443"], "2001:db8::17"),
        (PEER, ["2001:DB8:0:0::17"], "2001:db8::17"),
        (PEER, ["fe80::1%eth0"], "fe80::1"),
        (PEER, [f"::ffff:{READER}"], READER),
        (f"::ffff:{PEER}", [READER], READER),
        ("fd00::1", [READER], READER),
        ("fd00::1%eth0", [READER], READER),
        ("::1", [READER], "::1"),
    ],
)
def test_a_visitor_is_the_first_from_the_right_that_is_no_proxy_of_ours(
    peer: str, forwarded: list[str], seen: str
) -> None:
    assert str(visitor(peer, forwarded, PROXIES)) == seen


@pytest.mark.parametrize(
    "garbage",
    [
        *("", " ", "unknown", "_hidden", "localhost", "10.0.0", "10.0.0.256", "010.0.0.1", "0x0a.0.0.1"),
        *("10.0.0.1:", "10.0.0.1:port", "10.0.0.1:123456", "10.0.0.1:-1", "10.0.0.1/8", "10.0.0.1]"),
        *("[10.0.0.1", "[2001:db8::1]443", "[2001:db8::1]:x", "[]", "[[::1]]", "2001:db8::1::2", "for=::1"),
        *("١٠.٠.٠.٢", "10.0.0.2\0", "10.0.0.2;", "10.0.0.2 10.0.0.3", "10.0.0.2:٨٠", '"10.0.0.2"'),
        *("1" * 100, "::" * 5_000, "fe80::1%" + "a" * 100),
    ],
)
def test_what_cannot_be_read_ends_at_the_proxy_that_wrote_it(garbage: str) -> None:
    assert str(visitor(PEER, [f"{LIAR}, {garbage}"], PROXIES)) == PEER
    assert str(visitor(PEER, [f"{LIAR}, {garbage}, 10.0.0.8"], PROXIES)) == "10.0.0.8"


def test_a_unix_socket_is_this_machine_and_believed_where_that_is_named() -> None:
    assert str(visitor(None, [READER], ["127.0.0.1"])) == READER
    assert str(visitor("", [READER], ["127.0.0.1/32"])) == READER
    assert str(visitor(None, [READER], ["10.0.0.0/8"])) == "127.0.0.1"
    assert str(visitor(None, [READER], [])) == "127.0.0.1"
    assert str(visitor("testclient", [], [])) == "127.0.0.1"


@given(ADDRESSES, HOSTILE)
def test_without_proxies_nothing_that_is_sent_is_believed(peer: IPv4Address | IPv6Address, sent: str) -> None:
    assert visitor(str(peer), [sent], []) == visitor(str(peer), [], [])


@given(NOT_OURS, HOSTILE)
def test_nobody_passes_for_another_whatever_is_sent_along(
    reader: IPv4Address | IPv6Address, sent: str
) -> None:
    """The proxy appends whom it saw; all before that is the visitor's own invention."""
    assert visitor(PEER, [sent, str(reader)], PROXIES) == reader
    assert visitor(PEER, [f"{sent},{reader}, 10.1.2.3"], PROXIES) == reader


@given(st.text(max_size=300), st.lists(st.text(max_size=300), max_size=5))
def test_no_header_is_an_error(peer: str, sent: list[str]) -> None:
    assert visitor(peer, sent, PROXIES).version in (4, 6)


def test_a_list_without_end_is_looked_at_from_its_right_end_alone() -> None:
    many = ",".join([LIAR] + ["10.0.0.1"] * 100_000)
    assert str(visitor(PEER, [many], PROXIES)) == "10.0.0.1"
    few = ",".join([READER] + ["10.0.0.1"] * (MOST_HOPS - 1))
    assert str(visitor(PEER, [few], PROXIES)) == READER


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.9", "203.0.113.0/24"),
        ("::ffff:203.0.113.9", "203.0.113.0/24"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1::/48"),
        ("2001:db8:1:ffff::1%eth0", "2001:db8:1::/48"),
        ("2001:0DB8:0000::1", "2001:db8::/48"),
        ("127.0.0.1", "127.0.0.0/24"),
        ("::1", "::/48"),
    ],
)
def test_a_network_is_written_in_one_way(address: str, network: str) -> None:
    assert network_of(ip_address(address)) == network


@given(ADDRESSES)
def test_an_address_is_in_its_network(address: IPv4Address | IPv6Address) -> None:
    plain = getattr(address, "ipv4_mapped", None) or address
    assert plain in ip_network(network_of(address))
    assert len(network_of(address)) <= 43
