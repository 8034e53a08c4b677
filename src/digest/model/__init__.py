"""The words that flow through the house: Post, Reference, Issue, Page, Email, Subscriber, Letter ...

Here stand only values: frozen, keyword-only dataclasses and enums, without behaviour beyond what follows
from their own fields. Nothing here reads a file, looks at a clock or knows a library. Every other module
takes these values in and hands them on; a changed value is made with `dataclasses.replace`. Import them from
`digest.model`, whichever file they stand in.

Instants are always aware datetimes. Addresses (`url`) are absolute and ASCII; a `path` is relative to the
site's root, without a leading slash (`posts/baseline/`).
"""

from digest.model.delivery import (
    OBJECTION,
    PREFERENCES_URL,
    UNSUBSCRIBE_URL,
    Accounting,
    Addressee,
    CameBack,
    DeliveryState,
    Letter,
    Outcome,
    Result,
    Stage,
)
from digest.model.feeds import Enclosure, Entry, Feed
from digest.model.findings import Finding, Severity
from digest.model.issues import (
    Email,
    Fate,
    Issue,
    IssueCard,
    IssueState,
    LedgerEntry,
    MailedCorrection,
    Page,
    Slot,
    SlotFate,
    ToldCorrection,
)
from digest.model.literature import Correction, Day, Name, Reference, ReferenceRole, Section, SectionKind
from digest.model.notices import Notice, NoticeKind
from digest.model.people import (
    Consent,
    ConsentAct,
    Subscriber,
    SubscriberState,
    Suppression,
    SuppressionReason,
)
from digest.model.posts import Asset, Card, Link, Passage, Post, PostRole, Relations
from digest.model.publication import Newsletter, Site
from digest.model.service_mail import ServiceMail, ServiceMailKind

__all__ = [
    "OBJECTION",
    "PREFERENCES_URL",
    "UNSUBSCRIBE_URL",
    "Accounting",
    "Addressee",
    "Asset",
    "CameBack",
    "Card",
    "Consent",
    "ConsentAct",
    "Correction",
    "Day",
    "DeliveryState",
    "Email",
    "Enclosure",
    "Entry",
    "Fate",
    "Feed",
    "Finding",
    "Issue",
    "IssueCard",
    "IssueState",
    "LedgerEntry",
    "Letter",
    "Link",
    "MailedCorrection",
    "Name",
    "Newsletter",
    "Notice",
    "NoticeKind",
    "Outcome",
    "Page",
    "Passage",
    "Post",
    "PostRole",
    "Reference",
    "ReferenceRole",
    "Relations",
    "Result",
    "Section",
    "SectionKind",
    "ServiceMail",
    "ServiceMailKind",
    "Severity",
    "Site",
    "Slot",
    "SlotFate",
    "Stage",
    "Subscriber",
    "SubscriberState",
    "Suppression",
    "SuppressionReason",
    "ToldCorrection",
]
