"""The feeds of a built site, read back from their files as a feed reader would read them.

What is shown comes from the documents alone, so that a mistake in them is seen. Each format is read for
what a reader's program shows: title, date, authors, summary, the entry's HTML.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

_ATOM = "{http://www.w3.org/2005/Atom}"
_CONTENT = "{http://purl.org/rss/1.0/modules/content/}encoded"
_CREATOR = "{http://purl.org/dc/elements/1.1/}creator"
_NAMES = {"atom.xml": "Atom", "feed.xml": "RSS", "feed.json": "JSON Feed"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Item:
    id: str
    title: str
    url: str
    date: str
    authors: str
    html: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Document:
    """A feed as its file tells of itself."""

    title: str
    id: str
    items: tuple[Item, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Group:
    """One feed and the paths of its documents, by the name of their format."""

    name: str
    formats: tuple[tuple[str, str], ...]


def groups(paths: Sequence[str]) -> list[Group]:
    """The feeds among the files of a site: posts, issues, then topics and years by their names."""
    found: dict[str, list[tuple[str, str]]] = {}
    for path in sorted(paths):
        folder, _, name = path.rpartition("/")
        if name in _NAMES:
            found.setdefault(folder, []).append((_NAMES[name], path))
        elif name.endswith(".atom.xml"):
            year = name.partition(".")[0]
            found.setdefault(f"{folder}/{year}", []).append(("Atom", path))
    ordered = sorted(found, key=lambda folder: (folder not in ("", "issues"), folder))
    return [
        Group(name=_called(folder), formats=tuple(sorted(found[folder], key=_rank))) for folder in ordered
    ]


def _rank(document: tuple[str, str]) -> int:
    return list(_NAMES.values()).index(document[0])


def _called(folder: str) -> str:
    if folder in ("", "issues"):
        return "Issues" if folder else "Posts"
    return folder.replace("tags/", "Topic: ").replace("archive/", "Year: ")


def read(path: Path) -> Document:
    """Raises ValueError, or xml's ParseError, for what cannot be read."""
    if path.suffix == ".json":
        return _json(path)
    root = ElementTree.parse(path).getroot()
    return _atom(root) if root.tag == _ATOM + "feed" else _rss(root)


def _atom(root: ElementTree.Element) -> Document:
    def items() -> Iterator[Item]:
        for entry in root.iter(_ATOM + "entry"):
            links = [
                link for link in entry.iter(_ATOM + "link") if link.get("rel", "alternate") == "alternate"
            ]
            names = [name.text or "" for name in entry.iterfind(f"{_ATOM}author/{_ATOM}name")]
            yield Item(
                id=entry.findtext(_ATOM + "id", ""),
                title=entry.findtext(_ATOM + "title", ""),
                url=links[0].get("href", "") if links else "",
                date=entry.findtext(_ATOM + "published", ""),
                authors=", ".join(names),
                html=entry.findtext(_ATOM + "content", ""),
            )

    title, id = root.findtext(_ATOM + "title", ""), root.findtext(_ATOM + "id", "")
    return Document(title=title, id=id, items=tuple(items()))


def _rss(root: ElementTree.Element) -> Document:
    channel = root.find("channel")
    if channel is None:
        raise ValueError("it has no channel")
    items = [
        Item(
            id=item.findtext("guid", ""),
            title=item.findtext("title", ""),
            url=item.findtext("link", ""),
            date=item.findtext("pubDate", ""),
            authors=", ".join(name.text or "" for name in item.iterfind(_CREATOR)),
            html=item.findtext(_CONTENT, "") or item.findtext("description", ""),
        )
        for item in channel.iterfind("item")
    ]
    return Document(title=channel.findtext("title", ""), id=channel.findtext("link", ""), items=tuple(items))


def _json(path: Path) -> Document:
    feed = json.loads(path.read_bytes())
    items = [
        Item(
            id=item.get("id", ""),
            title=item.get("title", ""),
            url=item.get("url", ""),
            date=item.get("date_published", ""),
            authors=", ".join(author.get("name", "") for author in item.get("authors", [])),
            html=item.get("content_html", ""),
        )
        for item in feed.get("items", [])
    ]
    return Document(title=feed.get("title", ""), id=feed.get("feed_url", ""), items=tuple(items))
