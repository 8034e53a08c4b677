"""`digest init`, `new`, `schema` and `settings`: the project itself."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from digest.cli import app, project_of, show


@app.command(epilog='Examples:  digest init my-letter    digest init . --title "Remission Weekly"')
def init(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(help="Where; made if it is not there.")] = Path("."),
    title: Annotated[
        str, typer.Option(help="The publication's name.", show_default="the folder's name")
    ] = "",
    timezone: Annotated[str, typer.Option(help="An IANA zone.", show_default="this machine's")] = "",
) -> None:
    """Make a project that builds at once: two posts, settings with comments, .gitignore."""
    from datetime import UTC, datetime

    from digest import scaffold

    project = project_of(context)
    now = project.now_or(datetime.now(UTC))
    made = scaffold.init(folder, now, title=title, timezone=timezone)
    if project.as_json:
        show.document([str(path) for path in made])
        return
    for path in made:
        show.line(f"  {path}")
    there = "" if folder == Path(".") else f"cd {folder} && "
    show.next_step(f"[bold]{there}digest preview[/], and change a post while you look at it")


@app.command(
    epilog='Examples:  digest new "Resmetirom: NASH resolved in three of ten"    digest new Title --tag liver'
)
def new(
    context: typer.Context,
    title: Annotated[str, typer.Argument(help="State the finding.")],
    tag: Annotated[list[str] | None, typer.Option(help="A topic; may be given more than once.")] = None,
) -> None:
    """Make a post with its front matter filled in; it is a draft until you say otherwise."""
    from digest import scaffold

    project = project_of(context)
    path = scaffold.new(project.settings, title, project.now, tags=tuple(tag or ()))
    shown = path.relative_to(project.settings.root)
    if project.as_json:
        show.document({"post": str(shown)})
        return
    show.line(str(shown))
    show.next_step(
        f"write it in your editor; [bold]digest preview[/] shows it, "
        f"[bold]digest why {shown}[/] says when it goes out"
    )


@app.command(epilog="Examples:  digest schema post > post.schema.json    digest schema settings")
def schema(
    context: typer.Context,
    of: Annotated[Literal["post", "settings"], typer.Argument(help="What to describe.")] = "post",
) -> None:
    """JSON Schema of a post's front matter or of digest.toml, for editors that complete and check."""
    from digest import posts, settings

    show.document(posts.FrontMatter.model_json_schema() if of == "post" else settings.schema())
    show.next_step("name the file in your editor's YAML or TOML settings")


@app.command(epilog="Examples:  digest settings    digest --json settings")
def settings(context: typer.Context) -> None:
    """Every setting: the value in force and what it means. Secrets are masked."""
    from digest import settings as module

    project = project_of(context)
    rows = module.rows(project.settings.document)
    if project.as_json:
        show.document({key: {"value": value, "means": says} for key, value, says in rows})
        return
    show.table(("setting", "in force", "means"), rows)
    show.next_step(f"change them in {project.settings.root.name}/{module.FILE}")
