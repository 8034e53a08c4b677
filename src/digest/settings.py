"""digest.toml + environment -> Settings.

One file beside `posts/` holds every setting; each key carries its sentence, which `digest settings`, the
documentation and editors show. What is wrong is said with line and cure, unknown keys with the nearest known
one. Below this module nobody reads settings: they are handed down as the few values each part needs.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from difflib import get_close_matches
from email.utils import parseaddr
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from digest import model, schedule
from digest.characters import uri
from digest.errors import SettingsError
from digest.model import Finding, Severity
from digest.sections import labels_of

FILE = "digest.toml"
_DURATION = re.compile(r"(\d+)\s*(s|m|h|d|w)")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


def _seconds(value: Any) -> Any:
    if isinstance(value, str):
        found = _DURATION.fullmatch(value.strip())
        if found is None:
            raise ValueError("write a number and a unit: 30m, 12h or 2d")
        return int(found[1]) * _SECONDS[found[2]]
    return value


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (OSError, ValueError, KeyError):
        raise ValueError("write an IANA name such as Europe/London") from None
    return value


def _address(value: str) -> str:
    cure = "write the whole address, such as https://remission.example.org"
    try:
        parts = urlsplit(value)
    except ValueError:
        raise ValueError(cure) from None
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise ValueError(cure)
    return uri(value.rstrip("/"))


def _mailbox(value: str) -> str:
    local, at, host = parseaddr(value)[1].rpartition("@")
    if not (local and at and host):
        raise ValueError("write it as Remission Weekly <weekly@remission.example.org>")
    return value


def _labels(value: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    try:
        return labels_of(value)
    except ValueError:
        kinds = ", ".join(kind.value for kind in model.SectionKind)
        raise ValueError(f"the kinds of section are {kinds}") from None


def _language(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*", value):  # BCP 47, section 2.1
        raise ValueError("write a language tag such as en or pt-BR")
    return value


def _host(value: str) -> str:
    if value and not re.fullmatch(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?", value):  # RFC 4151, section 2.1
        raise ValueError("write a host name alone, such as remission.example.org")
    return value


Duration = Annotated[int, BeforeValidator(_seconds)]
Zone = Annotated[str, AfterValidator(_zone)]
Url = Annotated[str, AfterValidator(_address)]
Mailbox = Annotated[str, AfterValidator(_mailbox)]
Language = Annotated[str, AfterValidator(_language)]
Host = Annotated[str, AfterValidator(_host)]
Secret = SecretStr


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SiteTable(_Table):
    """The publication itself."""

    title: str = Field(description="The publication's name.")
    url: Url = Field(description="Where the site is served; may have a path.")
    author: str = Field(default="", description="Who writes; stands on posts that name nobody.")
    language: Language = Field(default="en", description="BCP 47 tag of the language most posts are in.")
    timezone: Zone = Field(default="UTC", description="IANA zone in which dates without an offset are read.")
    description: str = Field(
        default="", description="One sentence for feeds, search engines and the front page."
    )
    id_host: Host = Field(
        default="",
        description="Part of every feed id: never change it, even if url changes. Default: the url's host.",
    )
    id_year: int = Field(
        default=2026, ge=1990, le=2200, description="Part of every feed id: a year in which you held id_host."
    )
    hub: str = Field(default="", description="A WebSub hub that feeds name, or empty.")
    disclaimer: str = Field(default="", description="A sentence for the foot of pages and mail.")
    corrections_to: str = Field(default="", description="The mail address for errata.")
    citation_style: Literal["short", "ama", "vancouver", "nlm"] = Field(
        default="short", description="How cited papers are written."
    )
    labels: Annotated[dict[str, tuple[str, ...]], AfterValidator(_labels)] = Field(
        default_factory=dict, description="More labels of sections: kind = [labels]."
    )
    abbreviations: dict[str, str] = Field(
        default_factory=dict, description="The glossary: short form = long form."
    )


class NewsletterTable(_Table):
    """When issues are cut and sent, and what they carry."""

    sender: Mailbox = Field(description="From whom: Name <address>.")
    postal_address: str = Field(description="The law asks for it in the foot of every mail.")
    every: Literal["day", "week", "month"] = Field(default="week", description="How often an issue goes out.")
    on: str = Field(
        default="friday", description="The weekday, or for every = month the day: 1 to 31, or last."
    )
    at: str = Field(
        default="07:00",
        pattern=r"^([01]\d|2[0-3]):[0-5]\d$",
        description="The time of day, on the wall clock of timezone.",
    )
    rrule: str = Field(
        default="", description="An RFC 5545 rule in place of every and on: FREQ=MONTHLY;BYDAY=1MO."
    )
    timezone: Zone | None = Field(default=None, description="IANA zone of the schedule. Default: the site's.")
    cutoff: Duration = Field(
        default=12 * 3600, ge=0, le=30 * 86400, description="How long before it goes an issue is cut."
    )
    starts: date | None = Field(
        default=None, description="Posts dated before this day are archive and never mailed."
    )
    approval: Literal["required", "none"] = Field(
        default="required", description="Whether the author approves each issue."
    )
    min_posts: int = Field(
        default=1, ge=1, le=1000, description="With fewer posts waiting there is no issue."
    )
    max_posts: int = Field(default=12, ge=1, le=1000, description="What is more waits for the next issue.")
    missed_within: Duration = Field(
        default=12 * 3600, ge=0, description="An issue missed for longer waits for the author."
    )

    @field_validator("max_posts")
    @classmethod
    def _room(cls, value: int, info: ValidationInfo) -> int:
        if value < info.data.get("min_posts", 1):
            raise ValueError("with fewer than min_posts there would never be an issue")
        return value


class FolderTable(_Table):
    path: str = Field(default="outbox", description="Where mail is put when transport = folder.")


class SmtpTable(_Table):
    host: str = Field(default="localhost", description="The mail server.")
    port: int = Field(default=587, ge=1, le=65535, description="Its port.")
    security: Literal["starttls", "tls", "none"] = Field(
        default="starttls", description="How the connection is protected."
    )
    username: str = Field(default="", description="The account, or empty.")
    password: Secret = Field(
        default=SecretStr(""), description="env:NAME or file:PATH; never the password itself."
    )


class DeliveryTable(_Table):
    """How mail leaves."""

    transport: str = Field(default="folder", description="folder or smtp.")
    connections: int = Field(default=10, ge=1, le=500, description="Connections to the mail server at once.")
    uncertain: Literal["hold", "resend"] = Field(
        default="hold", description="What becomes of a message whose fate a crash hid."
    )
    folder: FolderTable = Field(default_factory=FolderTable, description="Settings of the folder transport.")
    smtp: SmtpTable = Field(default_factory=SmtpTable, description="Settings of the smtp transport.")


class StoreTable(_Table):
    """Where what must be remembered is kept."""

    url: str = Field(default="sqlite:///.digest/digest.db", description="sqlite:///FILE, or postgresql://...")


class Document(_Table):
    """A whole digest.toml."""

    site: SiteTable
    newsletter: NewsletterTable | None = None
    delivery: DeliveryTable = Field(default_factory=DeliveryTable)
    store: StoreTable = Field(default_factory=StoreTable)


class Settings:
    """The settings in force for one project folder."""

    def __init__(self, root: Path, document: Document) -> None:
        self.root = root
        self.document = document

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
        return model.Newsletter(**values)

    @property
    def store_url(self) -> str:
        return self.document.store.url


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
        raise _not_toml(error) from None
    try:
        document = Document.model_validate(values)
    except ValidationError as error:
        findings = [_finding(details, text) for details in error.errors()]
        says = f"{FILE} has {len(findings)} mistake{'s' if len(findings) > 1 else ''}"
        raise SettingsError(says, findings=findings) from None
    _check_secret(values, text, os.environ if environ is None else environ)
    settings = Settings(root, document)
    if (newsletter := settings.newsletter) and (faults := schedule.faults(newsletter, FILE)):
        found = [replace(fault, line=_line(text, ("newsletter", fault.says.split()[0]))) for fault in faults]
        raise SettingsError(f"{FILE} has a schedule that cannot be kept", findings=found)
    return settings


def _not_toml(error: tomllib.TOMLDecodeError) -> SettingsError:
    found = re.search(r"^(.*?)(?: \(at line (\d+), column \d+\))?$", str(error))
    says, line = (found[1], found[2]) if found else (str(error), None)
    cure = "keep one of the two" if "overwrite" in says else "write key = value, and texts in quotes"
    finding = Finding(
        severity=Severity.ERROR,
        where=FILE,
        line=int(line) if line else None,
        says=f"this is not TOML: {says[:1].lower()}{says[1:]}",
        cure=cure,
    )
    return SettingsError(f"{FILE} cannot be read", findings=[finding])


def _check_secret(values: Mapping[str, Any], text: str, environ: Mapping[str, str]) -> None:
    secret = values.get("delivery", {}).get("smtp", {}).get("password", "")
    if secret and not secret.startswith(("env:", "file:")):
        finding = Finding(
            severity=Severity.ERROR,
            where=FILE,
            line=_line(text, ("delivery", "smtp", "password")),
            says="a password stands in the settings",
            cure='write password = "env:DIGEST_SMTP_PASSWORD" and put it into the environment',
        )
        raise SettingsError(f"{FILE} has 1 mistake", findings=[finding])


_CURES = {
    "date_from_datetime_parsing": "write a day such as 2026-10-01, without quotes",
    "date_parsing": "write a day such as 2026-10-01, without quotes",
    "date_type": "write a day such as 2026-10-01, without quotes",
    "int_parsing": "write a whole number",
    "int_type": "write a whole number",
    "string_type": "write it in quotes",
    "bool_parsing": "write true or false",
}


def _finding(details: Any, text: str) -> Finding:
    path = tuple(str(part) for part in details["loc"])
    name = ".".join(path)
    line = _line(text, path)
    kind = details["type"]
    given = "this" if isinstance(details["input"], dict | list) else f"{details['input']!r:.60}"
    if kind == "extra_forbidden":
        near = get_close_matches(path[-1], _keys(path[:-1]), n=1)
        says = f"{name} is no setting"
        cure = f"did you mean {near[0]}?" if near else "`digest settings` lists them all"
    elif kind == "missing":
        says, cure = (
            f"{name} is missing",
            f"add it under [{'.'.join(path[:-1])}]" if len(path) > 1 else f"add [{name}]",
        )
    elif kind == "value_error":
        says, cure = f"{name} cannot be {given}", str(details["ctx"]["error"])
    elif kind == "literal_error":
        says, cure = f"{name} cannot be {given}", f"write {details['ctx']['expected']}"
    elif kind == "string_pattern_mismatch":
        says, cure = f"{name} cannot be {given}", "write it as 07:00"
    else:
        cure = _CURES.get(kind, str(details["msg"]).lower())
        says = f"{name} cannot be {given}"
    return Finding(severity=Severity.ERROR, where=FILE, line=line, says=says, cure=cure)


def _tables(path: tuple[str, ...]) -> type[BaseModel] | None:
    current: type[BaseModel] = Document
    for part in path:
        field = current.model_fields.get(part)
        if field is None:
            return None
        options: tuple[Any, ...] = (field.annotation,)
        if get_origin(field.annotation) is not None or isinstance(field.annotation, type(int | None)):
            options = get_args(field.annotation)
        found = next((o for o in options if isinstance(o, type) and issubclass(o, BaseModel)), None)
        if found is None:
            return None
        current = found
    return current


def _keys(path: tuple[str, ...]) -> list[str]:
    table = _tables(path)
    return list(table.model_fields) if table else []


def _line(text: str, path: tuple[str, ...]) -> int | None:
    """The line of a key, or of its table, in a TOML text: found by reading, to name it in a message."""
    table: tuple[str, ...] = ()
    best: int | None = None
    for number, line in enumerate(text.split("\n"), 1):
        if found := re.match(r"\s*\[\s*([\w.\-\"']+)\s*\]", line):
            table = tuple(part.strip("\"'") for part in found[1].split("."))
            if table == path[: len(table)]:
                best = number
        elif (found := re.match(r"\s*([\w\-\"']+)\s*=", line)) and (*table, found[1].strip("\"'")) == path:
            return number
    return best


def rows(document: Document) -> list[tuple[str, str, str]]:
    """Every setting as (key, value in force, sentence); secrets are masked."""
    found: list[tuple[str, str, str]] = []

    def visit(table: type[BaseModel], values: BaseModel | None, before: str) -> None:
        for name, field in table.model_fields.items():
            inner = _tables((*before.split("."), name)) if before else _tables((name,))
            value = getattr(values, name, None) if values is not None else None
            if inner is not None:
                visit(inner, value if isinstance(value, BaseModel) else None, f"{before}.{name}".strip("."))
                continue
            shown = _shown(value, field.metadata)
            found.append((f"{before}.{name}", shown, field.description or ""))

    visit(Document, document, "")
    return found


def _shown(value: Any, metadata: Sequence[Any]) -> str:
    if value is None:
        return ""
    if isinstance(value, SecretStr):
        return "****" if value.get_secret_value() else ""
    if any(getattr(rule, "func", None) is _seconds for rule in metadata):
        unit = next((unit for unit in "wdhm" if value and value % _SECONDS[unit] == 0), "s")
        return f"{value // _SECONDS[unit]}{unit}"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return f"{len(value)} entries" if value else ""
    return str(value)


def schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of digest.toml, for editors."""
    return Document.model_json_schema()
