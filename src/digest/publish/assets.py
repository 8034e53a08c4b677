"""What stands beside public posts, as targets: copied, and scaled down where page and mail need less."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from digest import files
from digest.cache import Record
from digest.model import Asset, Page
from digest.publish.edition import Edition
from digest.publish.targets import Target, key_of


def asset_targets(edition: Edition) -> Iterator[Target]:
    found: dict[str, tuple[int, Asset]] = {}
    for post in edition.posts.values():
        for name, mtime_ns, asset in edition.library.record(post).assets:
            found[name] = (mtime_ns, asset)
    root = edition.library.settings.posts
    for name, (mtime_ns, asset) in sorted(found.items()):
        yield Target(
            key=key_of(mtime_ns, asset),
            paths=tuple(files.names_of([asset])),
            make=partial(_copies, root / name, asset),
        )


def _copies(path: Path, asset: Asset) -> Iterator[Page]:
    yield Page(path=files.on_disk(asset.path), media_type=asset.media_type, body=path.read_bytes())
    if asset.small_path and asset.small_width and asset.small_height:
        small = files.smaller(path, asset.small_width, asset.small_height)
        yield Page(path=files.on_disk(asset.small_path), media_type=asset.media_type, body=small)


def named(record: Record, name: str) -> Asset | None:
    """The file that a post names in its front matter, as it is published."""
    if not name:
        return None
    wanted = os.path.normpath(os.path.join(os.path.dirname(record.name), name))
    return next((asset for path, _, asset in record.assets if path == wanted), None)


def shown_size(asset: Asset) -> str:
    """`CSV, 12 kB`."""
    kind = asset.media_type.rsplit("/", 1)[-1].removeprefix("x-").upper()
    if asset.size >= 1_000_000:
        return f"{kind}, {asset.size / 1e6:.1f} MB"
    return f"{kind}, {max(1, round(asset.size / 1000))} kB"
