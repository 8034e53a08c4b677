"""A mail server that only writes down: `python -m digest.testing.sink --port 0 --record FILE`.

It is made for benchmarks and for killing senders. For each message one line, `RECIPIENT MESSAGE-ID BYTES`,
is appended to the record with a single write *before* the answer 250 leaves, so the record knows more than
any sender can: what stands there was accepted, even when the sender was killed before it heard so. It can
wait before it answers, drop connections after it wrote, and ask to be tried again later.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import re
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

_END = b"\r\n.\r\n"
_HEADER_BYTES = 4096
_MESSAGE_ID = re.compile(rb"^message-id:\s*(\S+)", re.I | re.M)
_ADDRESS = re.compile(rb"<([^>]*)>")
_EHLO = b"250-sink.example.org\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 SIZE 50000000\r\n"
_FINE = b"250 2.0.0 Ok\r\n"


@dataclass(frozen=True, kw_only=True)
class SinkOptions:
    """`drop_after` and `try_later` are probabilities, drawn from `seed`."""

    record: Path
    delay: float = 0.0
    """Seconds before each answer."""
    drop_after: float = 0.0
    """Of closing the connection after a message was written down, without an answer."""
    try_later: float = 0.0
    """Of answering 451 to a message, which is then not written down."""
    seed: int = 0


@dataclass(kw_only=True)
class Sink:
    """What all connections share: the record, the dice, and how many messages there were."""

    options: SinkOptions
    messages: int = 0
    _file: int = -1
    _dice: random.Random = field(default_factory=random.Random)

    def __post_init__(self) -> None:
        self._file = os.open(self.options.record, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        self._dice = random.Random(self.options.seed)

    def write(self, recipient: bytes, message: bytes, size: int) -> None:
        found = _MESSAGE_ID.search(message)
        os.write(self._file, b"%b %b %d\n" % (recipient, found[1] if found else b"-", size))
        self.messages += 1

    def happens(self, probability: float) -> bool:
        return probability > 0 and self._dice.random() < probability

    def close(self) -> None:
        os.close(self._file)


class _Connection(asyncio.Protocol):
    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._came = bytearray()
        self._recipient: bytes | None = None
        self._in_data = False
        self._looked_at = 0
        self._answers: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.write(b"220 sink.example.org ESMTP\r\n")

    def data_received(self, data: bytes) -> None:
        self._came += data
        while self._message() if self._in_data else self._command():
            pass
        if self._answers:
            self._answer()

    def _answer(self) -> None:
        answer, self._answers = b"".join(self._answers), []
        if self._sink.options.delay:
            asyncio.get_running_loop().call_later(self._sink.options.delay, self._transport.write, answer)
        else:
            self._transport.write(answer)

    def _message(self) -> bool:
        """Takes a whole message from what came; False when it has not come to its end."""
        end = self._came.find(_END, max(0, self._looked_at - len(_END)))
        if end < 0:
            self._looked_at = len(self._came)
            return False
        head = bytes(self._came[: min(_HEADER_BYTES, end)])
        del self._came[: end + len(_END)]
        self._in_data, self._looked_at = False, 0
        return self._accept(head, end + 2)

    def _accept(self, head: bytes, size: int) -> bool:
        if self._sink.happens(self._sink.options.try_later):
            self._answers.append(b"451 4.3.0 Try again later\r\n")
            return True
        self._sink.write(self._recipient or b"-", head, size)
        if self._sink.happens(self._sink.options.drop_after):
            self._answers.clear()
            self._transport.abort()
            return False
        self._answers.append(b"250 2.0.0 Ok: written down\r\n")
        return True

    def _command(self) -> bool:
        end = self._came.find(b"\r\n")
        if end < 0 or self._transport.is_closing():
            return False
        line = bytes(self._came[:end])
        del self._came[: end + 2]
        match line[:4].upper():
            case b"MAIL":
                self._recipient = None
                self._answers.append(b"250 2.1.0 Ok\r\n")
            case b"RCPT":
                found = _ADDRESS.search(line)
                self._recipient = found[1] if found else b"-"
                self._answers.append(b"250 2.1.5 Ok\r\n")
            case b"DATA":
                self._data()
            case b"EHLO":
                self._answers.append(_EHLO)
            case b"QUIT":
                self._bye()
            case _:
                self._answers.append(_FINE)
        return True

    def _data(self) -> None:
        self._in_data = self._recipient is not None
        self._answers.append(b"354 Go on\r\n" if self._in_data else b"554 5.5.1 No recipient\r\n")

    def _bye(self) -> None:
        self._transport.write(b"".join([*self._answers, b"221 2.0.0 Bye\r\n"]))
        self._answers.clear()
        self._transport.close()


async def listen(sink: Sink, port: int = 0, host: str = "127.0.0.1") -> asyncio.Server:
    """A server that is listening; its port is `server.sockets[0].getsockname()[1]`."""
    loop = asyncio.get_running_loop()
    return await loop.create_server(lambda: _Connection(sink), host, port, backlog=1024)


async def _serve(options: SinkOptions, port: int) -> None:
    server = await listen(Sink(options=options), port)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


def main(arguments: Sequence[str] | None = None) -> None:
    """Prints the port it listens on, then serves until it is stopped."""
    parser = argparse.ArgumentParser(prog="digest.testing.sink", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--port", type=int, default=0, help="0: any that is free")
    parser.add_argument("--record", type=Path, required=True, help="the file that lines are appended to")
    parser.add_argument("--delay", type=float, default=0.0, help="milliseconds before each answer")
    parser.add_argument("--drop-after", type=float, default=0.0, help="probability after a message")
    parser.add_argument("--try-later", type=float, default=0.0, help="probability of a 451")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--uvloop", action="store_true", help="the faster event loop")
    asked = parser.parse_args(arguments)
    options = SinkOptions(
        record=asked.record,
        delay=asked.delay / 1000,
        drop_after=asked.drop_after,
        try_later=asked.try_later,
        seed=asked.seed,
    )
    with suppress(KeyboardInterrupt):
        _run(options, asked.port, fast=asked.uvloop)


def _run(options: SinkOptions, port: int, *, fast: bool) -> None:
    if fast:
        import uvloop

        uvloop.run(_serve(options, port))
    else:
        asyncio.run(_serve(options, port))


if __name__ == "__main__":
    main()
