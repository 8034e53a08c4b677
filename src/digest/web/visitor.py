"""Where a visitor comes from, as far as that can be believed, and the network that counts as one visitor.

A server knows one address for certain: that of who opened the connection. Behind a proxy that is the proxy,
and the visitor's stands in X-Forwarded-For, to which each proxy appends the address that it saw: visitor,
proxy, proxy. Whoever sends a request can write the left part of that list, so it is read from the right, and
a step to the left is taken only from an address that the settings name (`[web] proxies`). The first that they
do not name is the visitor. What cannot be read ends the walk: then the proxy that wrote it is taken for the
visitor, which counts too many visitors as one and never lets one pass for many.

The header is a convention and in no RFC. `Forwarded` (RFC 7239) is not read: the proxies that are met write
the other one. Nothing of this is kept: visitors are counted by their network, and forgotten.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

Address = IPv4Address | IPv6Address

THIS_MACHINE = IPv4Address("127.0.0.1")
"""Who comes through a Unix socket has no address, and is on this machine."""
MOST_HOPS = 20
"""No chain of proxies is longer; what stands further left is not looked at."""
_LONGEST = 64
"""Characters of one hop: an IPv6 address with brackets, zone and port has fewer."""
_HOP = re.compile(
    r"\[([^\[\]]+)\](?::[0-9]{1,5})?"  # [2001:db8::1] and [2001:db8::1]:443
    r"|([0-9.]+)(?::[0-9]{1,5})?"  # 192.0.2.1 and 192.0.2.1:443
    r"|([0-9A-Fa-f:.]+(?:%[0-9A-Za-z]+)?)"  # 2001:db8::1 and fe80::1%eth0
)


def visitor(peer: str | None, forwarded: Iterable[str], proxies: Sequence[str]) -> Address:
    """The visitor's address, from the connection's other end and the request's X-Forwarded-For headers.

    `forwarded` holds the values in the order in which they came; `proxies` are addresses and networks in CIDR
    notation that the settings have checked. `peer` is None for a connection through a Unix socket, which
    counts as 127.0.0.1: such a proxy is believed where the settings name that. So does any other word.
    """
    trusted = _networks(tuple(proxies))
    seen = _address(peer or "") or THIS_MACHINE
    for hop in _from_the_right(forwarded):
        if not any(seen in network for network in trusted):
            break
        told = _address(hop)
        if told is None:
            break
        seen = told
    return seen


def network_of(address: Address) -> str:
    """The network that counts as one visitor: the /24 of an IPv4 address, the /48 of an IPv6 address.

    A household has one IPv4 address or shares it with others; who rents addresses to send from gets them from
    one /24. With IPv6 a site is given a /48 or a /56 (RFC 6177, section 2) and moves through its addresses at
    will (RFC 8981): counted by address, or by /64, one visitor could be 65,536 of them.
    """
    address = _plain(address)
    bits = 24 if address.version == 4 else 48
    return str(ip_network((address.packed, bits), strict=False))


def _from_the_right(values: Iterable[str]) -> Iterator[str]:
    """The hops, the latest first. Several headers are one list (RFC 9110, section 5.3)."""
    left = ",".join(values)
    for _ in range(MOST_HOPS):
        left, comma, hop = left.rpartition(",")
        yield hop
        if not comma:
            return


def _address(text: str) -> Address | None:
    """What one hop or peer names, or None. A port is left out; octets with leading zeros are refused."""
    text = text.strip(" \t")
    found = _HOP.fullmatch(text) if len(text) <= _LONGEST else None
    if found is None:
        return None
    try:
        return _plain(ip_address(found[1] or found[2] or found[3]))
    except ValueError:
        return None


def _plain(address: Address) -> Address:
    """IPv4 as IPv4 also where it is written in IPv6 (RFC 4291, section 2.5.5.2), and without a zone."""
    if isinstance(address, IPv6Address):
        return address.ipv4_mapped or IPv6Address(int(address))
    return address


@lru_cache(maxsize=8)
def _networks(texts: tuple[str, ...]) -> tuple[IPv4Network | IPv6Network, ...]:
    return tuple(ip_network(text, strict=False) for text in texts)
