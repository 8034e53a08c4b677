"""`digest move`: the store goes to PostgreSQL, whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from digest.cli import app, project_of, show

if TYPE_CHECKING:
    from digest.store.move import Moved


@app.command(epilog="Example:  digest move postgresql://weekly@db.example.org/letter")
def move(
    context: typer.Context,
    url: Annotated[str, typer.Argument(help="The address of an empty PostgreSQL database.")],
) -> None:
    """Carry everything that is remembered to PostgreSQL, and prove that it arrived."""
    from digest.engine import jobs
    from digest.store import Store
    from digest.store.move import move as carry

    project = project_of(context)
    settings = project.settings
    with show.progress() as progress:
        moved = carry(settings.store_url, url, settings.root, project.now, progress)
    with Store.open(url, project=settings.root) as store:
        jobs.prepare(store.engine)
    if project.as_json:
        show.document(moved)
        return
    _print(moved)
    show.next_step(f'write [bold]url = "{moved.target}"[/] under [bold]\\[store][/] in digest.toml')


def _print(moved: Moved) -> None:
    if not moved.tables:
        show.line(f"The store was moved to {moved.target} before; nothing was to be done.")
        return
    show.table(
        ["table", "rows", "SHA-256, the same in both"],
        [[one.table, f"{one.rows:,}", one.hash[:16]] for one in moved.tables],
    )
    show.line(
        f"The store is at {moved.target} now. The old file is kept, and nothing sends from it any more."
    )
