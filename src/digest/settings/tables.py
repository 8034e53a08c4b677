"""Every table and key of digest.toml, with its default and its sentence."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationInfo,
    field_validator,
)

from digest.settings.kinds import (
    Address,
    Duration,
    Host,
    Hub,
    Language,
    Mailbox,
    Networks,
    QuietHours,
    Rate,
    Secret,
    Url,
    Zone,
    known_labels,
    mailbox_or_nothing,
)

FILE = "digest.toml"


class Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SiteTable(Table):
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
    hub: Hub = Field(default="", description="A WebSub hub that feeds name, or empty.")
    disclaimer: str = Field(default="", description="A sentence for the foot of pages and mail.")
    corrections_to: str = Field(default="", description="The mail address for errata.")
    citation_style: Literal["short", "ama", "vancouver", "nlm"] = Field(
        default="short", description="How cited papers are written."
    )
    labels: Annotated[dict[str, tuple[str, ...]], AfterValidator(known_labels)] = Field(
        default_factory=dict, description="More labels of sections: kind = [labels]."
    )
    abbreviations: dict[str, str] = Field(
        default_factory=dict, description="The glossary: short form = long form."
    )


class NewsletterTable(Table):
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
    quiet_hours: QuietHours = Field(
        default="", description="No issue begins or goes on then, on the wall clock: 22:00-07:00."
    )
    reply_to: Annotated[str, AfterValidator(mailbox_or_nothing)] = Field(
        default="", description="Where answers of readers go, if not to sender."
    )
    welcome: Literal["", "latest issue"] = Field(
        default="", description="What a new reader gets on confirming: latest issue, or nothing."
    )

    @field_validator("max_posts")
    @classmethod
    def _room(cls, value: int, info: ValidationInfo) -> int:
        if value < info.data.get("min_posts", 1):
            raise ValueError("with fewer than min_posts there would never be an issue")
        return value


class FolderTable(Table):
    path: str = Field(default="outbox", description="Where mail is put when transport = folder.")
    format: Literal["eml", "maildir"] = Field(
        default="eml", description="One .eml file a message, or a Maildir that mail programs open."
    )


class SmtpTable(Table):
    host: str = Field(default="localhost", description="The mail server.")
    port: int | None = Field(
        default=None, ge=1, le=65535, description="Its port. Default: 587; with tls 465, with none 25."
    )
    security: Literal["starttls", "tls", "none"] = Field(
        default="starttls", description="How the connection is protected; certificates are verified."
    )
    ca_file: str = Field(default="", description="A PEM file of certificates to trust, not the system's.")
    username: str = Field(default="", description="The account, or empty.")
    password: Secret = Field(
        default=SecretStr(""), description="env:NAME or file:PATH; never the password itself."
    )
    auth: Literal["auto", "plain", "login", "xoauth2"] = Field(
        default="auto", description="How to log in; for xoauth2 the password is the access token."
    )
    insecure_login: bool = Field(
        default=False, description="Allow a login without TLS to a server that is not this machine."
    )
    pipelining: Literal["auto", "envelope", "off"] = Field(
        default="auto", description="How far commands run ahead of answers; off for a relay that stumbles."
    )
    hello: str = Field(default="", description="How we name ourselves. Default: the sender's host.")
    command_timeout: Duration = Field(default=300, ge=1, description="How long any other answer may take.")
    dot_timeout: Duration = Field(default=600, ge=1, description="How long the answer to a message may take.")
    idle_timeout: Duration = Field(default=30, ge=1, description="An idle connection is closed after this.")
    letters_per_connection: int = Field(default=1000, ge=1, description="Then the connection is renewed.")


class DkimTable(Table):
    """Signatures of our own; leave it out where the relay signs."""

    domain: Host = Field(default="", description="The signing domain (d=); default: the sender's host.")
    rsa_selector: str = Field(default="", description="Selector (s=) of the RSA key, or empty.")
    rsa_key: Secret = Field(default=SecretStr(""), description="env:NAME or file:PATH of the RSA key in PEM.")
    ed25519_selector: str = Field(default="", description="Selector (s=) of the Ed25519 key, or empty.")
    ed25519_key: Secret = Field(
        default=SecretStr(""), description="env:NAME or file:PATH of the Ed25519 key in PEM."
    )


class DeliveryTable(Table):
    """How mail leaves."""

    transport: str = Field(
        default="folder", description="folder, smtp, or the name that an installed package offers."
    )
    connections: int = Field(default=10, ge=1, le=500, description="Connections to the mail server at once.")
    uncertain: Literal["hold", "resend"] = Field(
        default="hold", description="What becomes of a message whose fate a crash hid."
    )
    rate: Rate | None = Field(default=None, description="The most that leaves: 20/s, 600/m or 5000/h.")
    domain_rates: dict[str, Rate] = Field(
        default_factory=dict,
        description='The most for one domain of readers: "gmail.com" = "10/s".',
    )
    warm_up_from: date | None = Field(
        default=None,
        description="The first day of a new sending domain: each later day sends more.",
    )
    warm_up_first: int = Field(default=200, ge=1, description="Messages on the first day of a warm-up.")
    warm_up_growth: float = Field(
        default=1.5, ge=1.05, le=5, description="How many times the day before each later day may send."
    )
    warm_up_until: int = Field(
        default=100_000, ge=1, description="The daily number at which a warm-up has done its work."
    )
    give_up_after: Duration = Field(
        default=48 * 3600, ge=60, description="A message put off for longer is refused."
    )
    return_path: Address = Field(
        default="", description="Where bounces go; each reader's is told apart as NAME+7.TOKEN@HOST."
    )
    leave_by_mail: Address = Field(
        default="", description="Where mail programs write to leave. Default: the sender's address."
    )
    folder: FolderTable = Field(default_factory=FolderTable, description="Settings of the folder transport.")
    smtp: SmtpTable = Field(default_factory=SmtpTable, description="Settings of the smtp transport.")
    dkim: DkimTable = Field(default_factory=DkimTable, description="Signatures of our own.")
    options: dict[str, Any] = Field(
        default_factory=dict, description="Settings of a transport from another package."
    )


class BouncesTable(Table):
    """The mailbox to which bounces, complaints and requests to leave come back."""

    maildir: str = Field(default="", description="A Maildir on this machine, or empty.")
    host: str = Field(default="", description="An IMAP server, or empty.")
    port: int = Field(default=993, ge=1, le=65535, description="Its port, with TLS from the start.")
    ca_file: str = Field(default="", description="A PEM file of certificates to trust, not the system's.")
    username: str = Field(default="", description="The account.")
    password: Secret = Field(
        default=SecretStr(""), description="env:NAME or file:PATH; never the password itself."
    )
    folder: str = Field(default="INBOX", description="Where they arrive.")
    move_to: str = Field(default="", description="Where they are put once dealt with, or empty: they stay.")


class WebTable(Table):
    """The web: feeds and pages served, readers signing up, their own pages."""

    address: str = Field(default="127.0.0.1", description="Where `digest serve` listens.")
    port: int = Field(default=8000, ge=0, le=65535, description="Its port; 0 takes a free one.")
    proxies: Networks = Field(
        default=(), description="Proxies in front, whose X-Forwarded-For is believed: 127.0.0.1, 10.0.0.0/8."
    )
    signup: bool = Field(default=True, description="Whether readers may sign up on the site.")
    per_network: Rate | None = Field(
        default=10 / 3600, description="Sign-ups from one network (IPv4 /24, IPv6 /48) at most."
    )
    per_domain: Rate | None = Field(
        default=100 / 3600, description="Sign-ups for addresses of one domain at most."
    )
    in_all: Rate | None = Field(
        default=500 / 3600, description="Sign-ups at most; beyond it the form asks to come back later."
    )
    metrics_from: Networks = Field(default=("127.0.0.1/32", "::1/128"), description="Who may read /metrics.")


class StoreTable(Table):
    """Where what must be remembered is kept."""

    url: str = Field(default="sqlite:///.digest/digest.db", description="sqlite:///FILE, or postgresql://...")


class Document(Table):
    """A whole digest.toml."""

    site: SiteTable
    newsletter: NewsletterTable | None = None
    delivery: DeliveryTable = Field(default_factory=DeliveryTable)
    bounces: BouncesTable = Field(default_factory=BouncesTable)
    web: WebTable | None = None
    store: StoreTable = Field(default_factory=StoreTable)
