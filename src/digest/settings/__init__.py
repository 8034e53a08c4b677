"""digest.toml + environment -> Settings.

One file beside `posts/` holds every setting; each key carries its sentence, which `digest settings`, the
documentation and editors show. What is wrong is said with line and cure, unknown keys with the nearest known
one. Below this package nobody reads settings: they are handed down as the few values each part needs.
"""

from digest.settings.reading import Settings, find_project, load
from digest.settings.shown import rows, schema
from digest.settings.tables import FILE, Document

__all__ = ["FILE", "Document", "Settings", "find_project", "load", "rows", "schema"]
