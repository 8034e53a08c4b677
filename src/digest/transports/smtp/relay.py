"""One relay and the connections to it: opens what letters ask for, shares them out, renews, drains, closes.

A connection is opened for a letter in hand, so a test copy opens one and an issue as many as it may. What
fails is told to the bag once a connection, and the next try waits longer each time; the wait is forgotten
only when a new connection has brought a letter to an answer, so that a server which lets in five of ten is
not asked for the sixth every second.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import nullcontext, suppress

from digest.model import Letter, Outcome
from digest.transports import Mailbag, TransportOptions, growing_pause
from digest.transports.smtp.conversation import Conversation
from digest.transports.smtp.line import Line
from digest.transports.smtp.opening import Failed, log, opened
from digest.transports.smtp.options import Ahead, SmtpOptions, read

_CLOSING_SECONDS = 5


def make(options: TransportOptions) -> Relay:
    """The transport `smtp`. Raises SettingsError."""
    return Relay(read(options), options.connections)


class Relay:
    """A transport over SMTP. It serves one bag at a time and keeps its connections between two."""

    def __init__(
        self, options: SmtpOptions, connections: int, *, pause: Callable[[int], float] = growing_pause
    ) -> None:
        self._options = options
        self._connections = max(1, connections)
        self._pause = pause
        self._ahead = options.pipelining
        self._bag: Mailbag | None = None
        self._held: dict[Letter, Mailbag] = {}
        """Letters that were taken and have not ended, and whose they are."""
        self._went_back = False
        self._conversations: set[Conversation] = set()
        self._resting: list[Conversation] = []
        self._opening: dict[asyncio.Task[None], Letter] = {}
        self._lines: set[Line] = set()
        self._failures = 0
        self._retry: asyncio.TimerHandle | None = None
        self._draining = False
        self._error: Exception | None = None
        self._asked_for_more: asyncio.Task[bool] | None = None
        self._news = asyncio.Event()
        """The bag had no letter, a connection failed, or nothing is held any more."""

    # --------------------------------------------------------------------------------- the transport

    async def carry(self, bag: Mailbag) -> None:
        """Sends what the bag hands out. Raises what the bag or a letter's content raised."""
        if self._bag is not None:
            raise RuntimeError("a relay serves one bag at a time")
        self._bag, self._draining, self._error = bag, False, None
        try:
            await self._serve(bag)
        except asyncio.CancelledError:
            await self._drain(bag)
            raise
        finally:
            await self._abandon()
            self._bag = None

    async def close(self) -> None:
        """Says goodbye on every connection; what does not answer is hung up on."""
        for conversation in list(self._conversations):
            conversation.leave()
        closing = [line.gone for line in self._lines]
        if closing:
            await asyncio.wait(closing, timeout=_CLOSING_SECONDS)
        for line in self._lines:
            line.hang_up()
        self._lines.clear()

    @property
    def is_connected(self) -> bool:
        return bool(self._lines)

    async def _serve(self, bag: Mailbag) -> None:
        while True:
            self._share_out()
            await self._news.wait()
            self._news.clear()
            if await self._more(bag):
                continue
            if await self._is_done(bag):
                return
            self._news.set()  # what went back is asked for once more

    async def _more(self, bag: Mailbag) -> bool:
        """What `more` says; but a bag that is broken is not waited for."""
        self._raise_error()
        asked = self._asked_for_more = asyncio.create_task(bag.more())
        try:
            return await asked
        except asyncio.CancelledError:
            self._raise_error()
            raise
        finally:
            self._asked_for_more = None
            asked.cancel()

    async def _is_done(self, bag: Mailbag) -> bool:
        """Waits for the letters that are held; False when one of them went back meanwhile."""
        self._went_back = False
        while bag in self._held.values():
            await self._news.wait()
            self._news.clear()
            self._raise_error()
        return not self._went_back

    def _raise_error(self) -> None:
        if self._error is not None:
            raise self._error

    # --------------------------------------------------------------------------- connections for letters

    def _share_out(self) -> None:
        """Gives letters to those at rest, then to new connections, while there are letters and room."""
        while self._bag is not None and self._has_room():
            letter = self.take()
            if letter is None:
                return
            if self._resting:
                self._resting.pop().begin(letter)
            else:
                self._open_for(letter)

    def _has_room(self) -> bool:
        if self._resting:
            return True
        busy = len(self._conversations) + len(self._opening)
        return busy < self._connections and self._retry is None

    def _open_for(self, letter: Letter) -> None:
        task = asyncio.create_task(self._open(letter))
        self._opening[task] = letter
        task.add_done_callback(self._opened)

    def _opened(self, task: asyncio.Task[None]) -> None:
        letter = self._opening.pop(task)
        if task.cancelled():  # perhaps before its first step, so that it could not say so itself
            self.give_back(letter)

    async def _open(self, letter: Letter) -> None:
        try:
            line, offers = await opened(self._options)
        except Failed as failed:
            self.give_back(letter)
            self._trouble(failed.outcome)
        except Exception as error:
            self.give_back(letter)
            self.failed(error)
        else:
            self._begin(line, Conversation(line, offers, self._ahead, self._options, self), letter)

    def _begin(self, line: Line, conversation: Conversation, letter: Letter) -> None:
        self._lines.add(line)
        line.gone.add_done_callback(lambda _: self._lines.discard(line))
        self._conversations.add(conversation)
        try:
            conversation.begin(letter)
        except Exception as error:
            self.failed(error)

    def _trouble(self, outcome: Outcome) -> None:
        """A connection failed: the next waits, and the bag hears of it."""
        log.debug("trouble: %s %s at %s", outcome.result, outcome.code, outcome.stage)
        if self._retry is None:
            self._failures += 1  # once, where several connections fail together
            loop = asyncio.get_running_loop()
            self._retry = loop.call_later(self._pause(self._failures), self._try_again)
        if self._bag is not None:
            self._bag.trouble(outcome)
        self._news.set()

    def _try_again(self) -> None:
        self._retry = None
        if not self._draining:
            self._share_out()

    # ------------------------------------------------------------------------ what conversations are given

    def take(self) -> Letter | None:
        if self._bag is None or self._draining:
            return None
        letter = self._bag.take()
        if letter is None:
            self._news.set()
        else:
            self._held[letter] = self._bag
        return letter

    def intend(self, letter: Letter, then: Callable[[bool], None]) -> None:
        self._held[letter].intend(letter, then)

    def settle(self, letter: Letter, outcome: Outcome) -> None:
        self._ended(letter).settle(letter, outcome)

    def give_back(self, letter: Letter) -> None:
        self._went_back = True
        self._ended(letter).give_back(letter)

    def drop(self, letter: Letter) -> None:
        """The bag has dealt with it: `intend` answered no."""
        self._ended(letter)

    def _ended(self, letter: Letter) -> Mailbag:
        bag = self._held.pop(letter)
        if not self._held:
            self._news.set()
        return bag

    def at_rest(self, conversation: Conversation) -> None:
        self._resting.append(conversation)

    def at_end(self, conversation: Conversation, trouble: Outcome | None) -> None:
        self._conversations.discard(conversation)
        if conversation in self._resting:
            self._resting.remove(conversation)
        if trouble is not None:
            self._trouble(trouble)
        elif not self._draining:
            # Not at once: the conversation may be in the middle of a reply.
            asyncio.get_running_loop().call_soon(self._share_out)

    def ahead_at_most(self, ahead: Ahead) -> None:
        if ahead < self._ahead:
            self._ahead = ahead
            log.debug("the server does not follow: pipelining = %s from now on", ahead.name.lower())

    def worked(self) -> None:
        self._failures = 0

    def failed(self, error: Exception) -> None:
        """Something of our own is broken: the bag, or a letter's content. `carry` raises it."""
        self._error = self._error or error
        self._draining = True
        self._news.set()
        if self._asked_for_more is not None:
            self._asked_for_more.cancel()

    # ------------------------------------------------------------------------------------ the end

    async def _drain(self, bag: Mailbag) -> None:
        """Takes nothing more and waits for what is on the wire, for so long and no longer."""
        self._draining = True
        self._stop_opening()
        for conversation in list(self._conversations):
            conversation.release()
        with suppress(TimeoutError):
            async with asyncio.timeout(self._options.drain_seconds):
                while bag in self._held.values() and self._error is None:
                    self._news.clear()
                    await self._news.wait()

    def _stop_opening(self) -> None:
        if self._retry is not None:
            self._retry.cancel()
            self._retry = None
        for task in self._opening:
            task.cancel()

    async def _abandon(self) -> None:
        """Whatever is still held ends here; after an ordinary end nothing is."""
        self._draining = True
        self._stop_opening()
        with suppress(Exception) if self._error else nullcontext():
            if self._opening:
                await asyncio.wait(list(self._opening))
                await asyncio.sleep(0)  # their letters go back
        for conversation in list(self._conversations):
            with suppress(Exception) if self._error else nullcontext():
                conversation.abandon_letters()
