"""What strangers type to have their own script run on a page, and what a page that is ours may hold."""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import urlsplit
from xml.etree.ElementTree import Element

import html5lib
from program import ROOT

OURS = "baseline.example.org"
EVIL = "evil.example.net"

_ESCAPE = re.compile(r"\\u([0-9a-f]{4})")
_ADDRESSED = {"href", "src", "action", "formaction", "data", "poster", "background", "cite", "ping", "srcset"}
_NEVER = {
    *("iframe", "frame", "frameset", "object", "embed", "applet", "base", "style", "svg", "math", "template"),
    *("img", "image", "video", "audio", "marquee", "textarea", "select", "dialog", "portal", "noscript"),
}
_ATOMS = re.compile(r"[^A-Za-z0-9!#$%&'*+/=?^_`{|}~-]")


def payloads() -> list[str]:
    """All that `tests/data/xss.txt` holds."""
    lines = (ROOT / "tests/data/xss.txt").read_text("utf-8").split("\n")
    return [
        _ESCAPE.sub(lambda code: chr(int(code[1], 16)), line)
        for line in lines
        if line and not line.startswith("# ")
    ]


def as_address(payload: str) -> str:
    """What is left of it where a mail server takes every character: an address that may be kept."""
    local = _ATOMS.sub("", payload)[:60]
    return f"{local}@example.org" if local and "=?" not in local else ""


@lru_cache(maxsize=2_000)
def complaints(html: str, host: str = OURS) -> tuple[str, ...]:
    """What stands in a page, as a browser reads it, that none of ours has."""
    elements = html5lib.parse(html, namespaceHTMLElements=False).iter()
    return tuple(told for one in elements if isinstance(one.tag, str) for told in _wrong(one, host))


def _wrong(element: Element, host: str) -> list[str]:
    tag = str(element.tag).rpartition("}")[2]
    told = [f"<{tag}>"] if tag in _NEVER else []
    if tag == "script" and ((element.text or "").strip() or not element.get("src")):
        told.append("a script of its own")
    if tag == "meta" and element.get("http-equiv"):
        told.append("a meta that commands")
    for name, value in element.attrib.items():
        plain = str(name).rpartition("}")[2].lower()
        if plain.startswith("on") or plain in ("style", "srcdoc"):
            told.append(f"{plain} in <{tag}>")
        if plain in _ADDRESSED and not _is_ours(value, host):
            told.append(f"{plain}={value} in <{tag}>")
    return told


def _is_ours(address: str, host: str) -> bool:
    """A path of the site, a place in the page, the site by its name, or a mail to it."""
    bare = re.sub(r"[\x00-\x20\x7f-\xa0]", "", address)
    if bare != address or "\\" in bare:
        return False
    parts = urlsplit(address)
    if parts.scheme == "mailto":
        return address.endswith(f"@{host}")
    return parts.scheme in ("", "https") and parts.netloc in ("", host) and not address.startswith("//")
