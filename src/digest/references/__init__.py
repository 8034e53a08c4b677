"""The papers a post is about: citations read, written in four styles, exported.

A citation is a line of text or an item of front matter (`items`); what was not read with confidence is shown
in the author's own words (`parse`). `format` writes references for people, `export` for their reference
managers. Nothing is looked up anywhere; the parts that belong to no author (`journals`, `places`, `names`,
`identifiers`, `keys`) are used only in this folder.
"""

from digest.references.export import bibtex, csl_json, json_ld, ris, to_csl
from digest.references.format import STYLES, cite, reference_url
from digest.references.items import read_reference
from digest.references.keys import with_unique_ids
from digest.references.parse import is_citation, read_citation

__all__ = [
    "STYLES",
    "bibtex",
    "cite",
    "csl_json",
    "is_citation",
    "json_ld",
    "read_citation",
    "read_reference",
    "reference_url",
    "ris",
    "to_csl",
    "with_unique_ids",
]
