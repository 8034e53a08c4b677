"""Posts become pages, feeds and the issue email."""

__version__ = "0.1.0"
