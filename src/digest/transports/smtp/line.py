"""One connection: bytes out, replies in, and who waits for which reply until when.

A line knows nothing of letters. What is said comes with those who wait for the replies, in order; each is
called with its own. Time is counted over whole replies, never over bytes, so that a server that drips cannot
hold a connection: the deadline moves only when a reply is complete. There is one timer a connection. It is
not moved with each command but looks, when it fires, whether the deadline has moved on.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections import deque
from collections.abc import Callable, Sequence
from math import inf
from typing import NamedTuple, cast

from digest.transports.smtp.replies import Replies, Reply

Heard = Callable[[Reply], None]
Awaited = tuple[Heard, float]
"""Who is called with a reply, and within how many seconds it must be whole."""

CLOSING = 421
"""The server says goodbye, to whatever it likes (RFC 5321, section 3.8)."""


class Break(NamedTuple):
    """Why a line is over."""

    why: str
    reply: Reply | None = None
    """The 421 that ended it."""


class Broken(Exception):
    """A line was over before the reply to `Line.ask` came."""

    def __init__(self, cut: Break) -> None:
        self.cut = cut
        super().__init__(cut.why)


def _nothing(*_: object) -> None:
    pass


class Line(asyncio.Protocol):
    """Speaks and listens until it is over; `broke` is called once, unless we hung up ourselves.

    The greeting is awaited from the beginning, because it may come with the connection itself.
    """

    def __init__(self, greeting_seconds: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._replies = Replies()
        self._awaited: deque[Awaited] = deque([(self._heard, greeting_seconds)])
        self._answer: asyncio.Future[Reply] = self._loop.create_future()
        """To the last `ask`, or the greeting."""
        self._cut = Break("the connection is closed")
        self._deadline = inf
        self._timer: asyncio.TimerHandle | None = None
        self.over = False
        self.broke: Callable[[Break], None] = self._unheard
        self.rested: Callable[[], None] = _nothing
        """Called when `rest` has lasted as long as it may."""
        self.failed: Callable[[Exception], None] | None = None
        """Called with what those who wait for replies raise."""
        self.gone: asyncio.Future[None] = self._loop.create_future()
        """Done when the connection is closed."""

    # --------------------------------------------------------------------------------- speaking

    def say(self, command: bytes, awaited: Sequence[Awaited]) -> None:
        """Sends bytes whose replies are awaited, behind those that are awaited already."""
        if not self._awaited:
            self._due_in(awaited[0][1])
        self._awaited.extend(awaited)
        if self._transport is not None:
            self._transport.write(command)

    async def greeting(self) -> Reply:
        """What the server says first; raises Broken."""
        return await self._answer

    async def ask(self, command: bytes, seconds: float) -> Reply:
        """Says one command and waits for its reply; raises Broken."""
        if self.over:
            raise Broken(self._cut)
        self._answer = self._loop.create_future()
        self.say(command, [(self._heard, seconds)])
        return await self._answer

    def _heard(self, reply: Reply) -> None:
        if not self._answer.done():
            self._answer.set_result(reply)

    def _unheard(self, cut: Break) -> None:
        if not self._answer.done():
            self._answer.set_exception(Broken(cut))

    def rest(self, seconds: float) -> None:
        """Nothing is awaited; after so many seconds `rested` is called."""
        self._due_in(seconds)

    def pause(self) -> None:
        """Nothing is awaited of the server, for as long as it takes us."""
        self._deadline = inf

    @property
    def awaits(self) -> Heard | None:
        """Who waits for the next reply."""
        return self._awaited[0][0] if self._awaited else None

    @property
    def is_silent(self) -> bool:
        """Nothing is awaited and nothing has come."""
        return not self._awaited and not self._replies.pending

    # -------------------------------------------------------------------------------- listening

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.carried_by(transport)
        self._due_in(self._awaited[0][1])

    def carried_by(self, transport: asyncio.BaseTransport) -> None:
        """From now on this transport carries the line: the first, or TLS on top of it."""
        self._transport = cast(asyncio.Transport, transport)
        bare = transport.get_extra_info("socket")
        if bare is not None and bare.family in (socket.AF_INET, socket.AF_INET6):
            bare.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    async def upgrade(self, context: ssl.SSLContext, host: str, seconds: float) -> None:
        """TLS from here on (RFC 3207). Raises OSError, of which ssl.SSLError is one."""
        assert self._transport is not None
        carrier = await self._loop.start_tls(
            self._transport, self, context, server_hostname=host, ssl_handshake_timeout=seconds
        )
        if carrier is None:
            raise ConnectionResetError
        self.carried_by(carrier)

    def data_received(self, data: bytes) -> None:
        if self.over:
            return
        try:
            self._hear(self._replies.read(data))
        except Exception as error:
            if self.failed is None:
                raise
            self.failed(error)

    def _hear(self, replies: list[Reply]) -> None:
        for reply in replies:
            if not self._awaited:
                self._unasked(reply)
            else:
                self._awaited.popleft()[0](reply)
            if self.over:
                return
        if self._replies.garbage:
            self.cut(Break(self._replies.garbage))
        elif replies and self._awaited:
            self._due_in(self._awaited[0][1])

    def _unasked(self, reply: Reply) -> None:
        if reply.code == CLOSING:
            self.cut(Break("the server closed the connection", reply))
        else:
            self.cut(Break("a reply that nobody asked for"))

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.gone.done():
            self.gone.set_result(None)
        self.cut(Break("the connection was lost"))

    # ------------------------------------------------------------------------------------ ending

    def cut(self, cut: Break) -> None:
        """Ends the line at once, whatever is awaited, and says so to `broke`."""
        if not self.over:
            self._cut = cut
            self.hang_up()
            self.broke(cut)

    def hang_up(self) -> None:
        """Ends the line at once and says nothing."""
        self.over = True
        self._forget()
        if self._transport is not None:
            self._transport.abort()
        elif not self.gone.done():
            self.gone.set_result(None)

    def quit(self, seconds: float) -> None:
        """Ends the line politely (RFC 5321, section 4.1.1.10); `broke` is not called."""
        self.broke = self.rested = _nothing
        self.say(b"QUIT\r\n", [(self._bye, seconds)])

    def _bye(self, _: Reply) -> None:
        self.over = True
        self._forget()
        if self._transport is not None:
            self._transport.close()

    def _forget(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    # -------------------------------------------------------------------------------------- time

    def _due_in(self, seconds: float) -> None:
        self._deadline = self._loop.time() + seconds
        if self._timer is None:
            self._timer = self._loop.call_at(self._deadline, self._look)
        elif self._deadline < self._timer.when():
            self._timer.cancel()
            self._timer = self._loop.call_at(self._deadline, self._look)

    def _look(self) -> None:
        self._timer = None
        if self._deadline > self._loop.time():
            if self._deadline != inf:
                self._timer = self._loop.call_at(self._deadline, self._look)
        elif self._awaited:
            self.cut(Break("no answer in time"))
        else:
            self._deadline = inf
            self.rested()
