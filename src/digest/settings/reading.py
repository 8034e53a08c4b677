"""digest.toml + environment -> Settings."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from email.utils import parseaddr
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pydantic import BaseModel, SecretStr, ValidationError

from digest import model, schedule
from digest.errors import SettingsError
from digest.settings.mistakes import finding, line_of, not_toml
from digest.settings.tables import FILE, BouncesTable, DeliveryTable, Document, WebTable

if TYPE_CHECKING:
    from digest.transports import TransportOptions


class Settings:
    """The settings in force for one project folder."""

    def __init__(self, root: Path, document: Document, environ: Mapping[str, str] | None = None) -> None:
        self.root = root
        self.document = document
        self._environ = {} if environ is None else environ

    @property
    def posts(self) -> Path:
        return self.root / "posts"

    @property
    def templates(self) -> Path:
        return self.root / "templates"

    @property
    def state(self) -> Path:
        return self.root / ".digest"

    @property
    def out(self) -> Path:
        """Where a build puts the site, unless it is told another place."""
        return self.root / "public"

    @property
    def site(self) -> model.Site:
        table = self.document.site
        values = table.model_dump()
        values["id_host"] = table.id_host or urlsplit(table.url).hostname or "localhost"
        values["author"] = table.author or table.title
        return model.Site(**values)

    @property
    def newsletter(self) -> model.Newsletter | None:
        table = self.document.newsletter
        if table is None:
            return None
        values = table.model_dump()
        values["timezone"] = table.timezone or self.document.site.timezone
        values["cutoff_seconds"] = values.pop("cutoff")
        values["missed_within_seconds"] = values.pop("missed_within")
        values["return_path"] = self.document.delivery.return_path
        values["leave_by_mail"] = self.document.delivery.leave_by_mail
        return model.Newsletter(**values)

    @property
    def store_url(self) -> str:
        return self.document.store.url

    @property
    def delivery(self) -> DeliveryTable:
        return self.document.delivery

    @property
    def bounces(self) -> BouncesTable:
        return self.document.bounces

    @property
    def web(self) -> WebTable:
        """As `[web]` says; without that table, by the defaults."""
        return self.document.web or WebTable()

    @property
    def signup(self) -> bool:
        """Whether the built site offers to sign up: where it has a web side and a newsletter."""
        web = self.document.web
        return web is not None and web.signup and self.document.newsletter is not None

    def transport_options(self) -> TransportOptions:
        """What the chosen transport is made of, its secrets in plain. Raises SettingsError."""
        from digest.transports import TransportOptions

        table = self.delivery
        own = getattr(table, table.transport, None)
        values = own.model_dump() if isinstance(own, BaseModel) else dict(table.options)
        sender = self.newsletter.sender if self.newsletter else ""
        return TransportOptions(
            root=self.root,
            connections=table.connections,
            host=parseaddr(sender)[1].rpartition("@")[2] or "localhost",
            values={
                key: self._plain(value, f"delivery.{table.transport}.{key}")
                for key, value in values.items()
                if value is not None
            },
        )

    def _plain(self, value: Any, key: str) -> Any:
        return self.reveal(value, key) if isinstance(value, SecretStr) else value

    def reveal(self, secret: SecretStr, key: str) -> str:
        """What `env:NAME` or `file:PATH` stands for. Raises SettingsError, which names only `key`."""
        kind, _, name = secret.get_secret_value().partition(":")
        if not name:
            return ""
        if kind == "env":
            if name not in self._environ:
                says = f"{key} is in no variable {name} of the environment"
                raise SettingsError(says, cure=f"export {name}=...")
            return self._environ[name]
        try:
            return (self.root / name).read_text("utf-8").removesuffix("\n")
        except (OSError, UnicodeDecodeError) as error:
            says = f"{key} cannot be read from {name} ({error})"
            raise SettingsError(says, cure="look whether the file is there and may be read") from None


def find_project(start: Path) -> Path:
    """The nearest folder upwards that has a digest.toml. Raises SettingsError."""
    for folder in (start, *start.parents):
        if (folder / FILE).is_file():
            return folder
    raise SettingsError(f"there is no {FILE} in {start} or above", cure="run `digest init` to make a project")


def load(root: Path, environ: Mapping[str, str] | None = None) -> Settings:
    """Read digest.toml of a project. Raises SettingsError with every finding."""
    path = root / FILE
    try:
        text = path.read_text(encoding="utf-8-sig")
        values = tomllib.loads(text)
    except OSError as error:
        raise SettingsError(f"{FILE} cannot be read: {error.strerror}", cure="run `digest init`") from None
    except UnicodeDecodeError:
        raise SettingsError(f"{FILE} is not UTF-8", cure="save it as UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise not_toml(error) from None
    try:
        document = Document.model_validate(values)
    except ValidationError as error:
        findings = [finding(details, text) for details in error.errors()]
        says = f"{FILE} has {len(findings)} mistake{'s' if len(findings) > 1 else ''}"
        raise SettingsError(says, findings=findings) from None
    settings = Settings(root, document, os.environ if environ is None else environ)
    if (newsletter := settings.newsletter) and (faults := schedule.faults(newsletter, FILE)):
        found = [
            replace(fault, line=line_of(text, ("newsletter", fault.says.split()[0]))) for fault in faults
        ]
        raise SettingsError(f"{FILE} has a schedule that cannot be kept", findings=found)
    return settings
