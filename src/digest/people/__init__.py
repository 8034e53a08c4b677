"""The work on subscribers that takes more than one act: reading files in, writing them out, rehearsing it.

Single acts (add, confirm, remove, erase) are methods of `store.people`.
"""

from digest.people.exporting import write_subscribers, write_suppressions
from digest.people.importing import NamedFile, Report, Terms, import_files, named_files

__all__ = [
    "NamedFile",
    "Report",
    "Terms",
    "import_files",
    "named_files",
    "write_subscribers",
    "write_suppressions",
]
