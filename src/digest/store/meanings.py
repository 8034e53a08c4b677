"""What a database's errors mean to an author: what is wrong, and what to do. SQLite's and PostgreSQL's.

An error that is not known here keeps the database's own first line.
"""

from __future__ import annotations

import re

import sqlalchemy as sa

Meaning = tuple[str, str]
"""What is wrong, as it goes on behind the database's name, and the cure."""

# Primary result codes of SQLite (https://www.sqlite.org/rescode.html).
_SQLITE: dict[str, Meaning] = {
    "BUSY": ("is locked: another digest has been writing for half a minute", "let it finish, then try again"),
    "LOCKED": ("is locked by another part of this run", "try again"),
    "FULL": ("cannot grow: the disk is full", "free some space; nothing was half written"),
    "READONLY": ("may not be written", "give this user the right to write the file and its folder"),
    "PERM": ("may not be opened", "give this user the right to read and write it"),
    "CANTOPEN": ("cannot be opened", "look whether its folder exists and may be written"),
    "NOTADB": ("is not a database", "put the right file back from a backup, or correct [store] url"),
    "CORRUPT": ("is damaged", "stop every digest, keep the file, and put back the newest backup"),
    "IOERR": (
        "cannot be read or written: the disk reports an error",
        "look at the disk before anything else",
    ),
}

_NO_ROUTE = (
    "cannot be reached",
    "see that its server runs and can be reached from here, or correct [store] url",
)
_CLOSED = (
    "was closed: its server shuts down or has failed",
    "try again when it is back; nothing is half written",
)
_NOT_YET = ("cannot be used yet: its server starts or stops", "try again in a moment")
_NOT_IN = ("does not let this user in", "correct user and password in [store] url")
_CROWDED = ("takes no more connections", "raise max_connections of its server, or stop some programs")
_NONE_FREE = (
    "is kept busy: every connection that this digest may have was in use for half a minute",
    "try again; if it happens again, look what makes the database slow",
)
_CHANGED = ("was changed by another digest at the same moment", "try again; nothing is half written")

# SQLSTATEs, whole or by their class (https://www.postgresql.org/docs/current/errcodes-appendix.html).
_POSTGRESQL: dict[str, Meaning] = {
    "53100": ("cannot grow: the disk of its server is full", "free some space; nothing is half written"),
    "53300": _CROWDED,
    "42501": ("does not let this user do that", "make the user its owner: ALTER DATABASE name OWNER TO user"),
    "25006": ("may not be written: it is read only", "name the server that takes writes in [store] url"),
    "57P01": _CLOSED,
    "57P02": _CLOSED,
    "57P03": _NOT_YET,
    "57P05": _CLOSED,
    "40": _CHANGED,
    "28": _NOT_IN,
    "58": ("cannot be read or written: its server reports an error of the disk", "look at the server's log"),
    "XX": ("is damaged, or its server is broken", "look at the server's log before anything else"),
    "08": _NO_ROUTE,
}

# Before there is a connection, PostgreSQL's library tells by words alone.
_WORDS: dict[str, Meaning] = {
    r"password authentication failed|no password supplied": _NOT_IN,
    r"no pg_hba\.conf entry": (
        "does not let this user in from here",
        "allow it in pg_hba.conf of its server",
    ),
    r'role ".*" does not exist': ("knows no such user", "make it (createuser), or correct [store] url"),
    r'database ".*" does not exist': ("does not exist", "make it (createdb), or correct [store] url"),
    r"too many clients|too many connections|remaining connection slots": _CROWDED,
    r"is shutting down|is starting up|not yet accepting|in recovery mode": _NOT_YET,
    r"terminating connection|closed the connection|connection (is|was) (closed|lost)|EOF detected": _CLOSED,
    r"refused|could not translate|resolve host|timeout expired|timed out|No route|unreachable|No such file": (
        _NO_ROUTE
    ),
    r"permission denied": (
        "does not let this user do that",
        "look at the rights of its socket or its tables",
    ),
    r"SSL|certificate": ("does not agree with us on TLS", "look at sslmode in [store] url"),
}


def meaning(error: BaseException) -> Meaning:
    """Of an error as the driver raised it, or of waiting in vain for a connection."""
    if isinstance(error, sa.exc.TimeoutError):
        return _NONE_FREE
    name = getattr(error, "sqlite_errorname", "").removeprefix("SQLITE_").partition("_")[0]
    state = getattr(error, "sqlstate", None) or ""
    for key, known in ((name, _SQLITE), (state, _POSTGRESQL), (state[:2], _POSTGRESQL)):
        if key in known:
            return known[key]
    whole = str(error)
    if not state and hasattr(error, "sqlstate"):
        for words, found in _WORDS.items():
            if re.search(words, whole):
                return found
    return f"says: {whole.partition(chr(10))[0].strip()}", ""


def place(url: sa.URL) -> str:
    """A database as an author knows it: SQLite's file, or PostgreSQL's address without any password."""
    if url.get_backend_name() == "sqlite":
        return url.database or ""
    query = {key: value for key, value in url.query.items() if key in ("host", "port", "dbname")}
    shown = sa.URL.create("postgresql", url.username, None, url.host, url.port, url.database, query)
    return shown.render_as_string()
