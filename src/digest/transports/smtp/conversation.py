"""Letters over one connection: the envelope, the intent, the body and what the server says to it.

At any moment a conversation holds at most two letters: one whose body has left and whose answer is awaited
(`_sent`), and behind it one whose envelope is on its way (`_next`) or whose intent is being written down
(`_intended`). Replies come in order, so each handler knows what it hears. Three rules keep everyone from
being mailed twice: the body leaves only from `_answered(True)`; before that a letter may always go back;
after it silence is uncertain, never guessed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from digest.model import Letter, Outcome, Result, Stage
from digest.transports.smtp.line import CLOSING, Awaited, Break, Heard, Line
from digest.transports.smtp.opening import Offers
from digest.transports.smtp.options import Ahead, SmtpOptions
from digest.transports.smtp.replies import Reply
from digest.transports.smtp.verdicts import (
    NOT_SENT,
    is_about_size,
    is_out_of_step,
    objection,
    on_the_wire,
    outcome_of,
    outcome_of_break,
)

QUIT_SECONDS = 5
_START_INPUT = 354


class Office(Protocol):
    """What a conversation is given to do, and whom it tells: the relay."""

    def take(self) -> Letter | None: ...
    def intend(self, letter: Letter, then: Callable[[bool], None]) -> None: ...
    def settle(self, letter: Letter, outcome: Outcome) -> None: ...
    def give_back(self, letter: Letter) -> None: ...
    def drop(self, letter: Letter) -> None: ...

    def at_rest(self, conversation: Conversation) -> None:
        """It has nothing to do."""

    def at_end(self, conversation: Conversation, trouble: Outcome | None) -> None:
        """Its connection is closed or about to be; with trouble where something went wrong."""

    def ahead_at_most(self, ahead: Ahead) -> None:
        """The server does not follow when commands run further ahead."""

    def worked(self) -> None:
        """The server has answered to a letter for the first time."""

    def failed(self, error: Exception) -> None:
        """Something of our own is broken."""


class Conversation:
    """Carries letters over a line that is open, until it is told to end or the line breaks."""

    def __init__(
        self, line: Line, offers: Offers, ahead: Ahead, options: SmtpOptions, office: Office
    ) -> None:
        self._line = line
        self._offers = offers
        self._ahead = ahead if offers.pipelining else Ahead.OFF
        self._options = options
        self._office = office
        self._sent: Letter | None = None
        self._next: Letter | None = None
        self._intended: Letter | None = None
        self._content = b""
        self._refusal: tuple[Stage, Reply] | None = None
        self._left = options.letters_per_connection
        self._unclean = False
        """The server may still hold an envelope: RSET goes before the next (RFC 5321, section 4.1.1.5)."""
        self._leaving = False
        self._answered_once = False
        wait = options.command_timeout
        self._body_awaits = ((self._dot_heard, options.dot_timeout),)
        self._mail_awaits = ((self._mail_heard, wait),)
        self._recipient_awaits = ((self._recipient_heard, wait),)
        self._data_awaits = ((self._data_heard, wait),)
        self._envelope_awaits = (*self._mail_awaits, *self._recipient_awaits, *self._data_awaits)
        self._reset_awaits = ((self._reset_heard, wait),)
        line.broke = self._broke
        line.rested = self.leave
        line.failed = office.failed

    # ---------------------------------------------------------------------------- told by the relay

    def begin(self, letter: Letter) -> None:
        """Sends this letter first, then what there is. Nothing may be on the way."""
        taken = self._fitting(letter)
        if taken is None:
            self._go_on()
        else:
            self._line.say(*self._envelope(taken))

    def release(self) -> None:
        """Takes nothing more and gives back what has not been intended; what is on the wire is finished."""
        self._leaving = True
        if self._next is not None:
            letter, self._next = self._next, None
            self._office.give_back(letter)
        if self._sent is None and self._intended is None:
            self.leave()

    def leave(self) -> None:
        """Ends: politely where nothing is on the way, else at once."""
        self.abandon_letters()
        if self._line.over:
            return
        if self._line.is_silent:
            self._line.quit(QUIT_SECONDS)
        else:
            self._line.hang_up()
        self._office.at_end(self, None)

    def abandon_letters(self) -> None:
        """Ends now where it holds letters; one whose answer did not come is uncertain."""
        if self._is_at_work:
            self._leaving = True
            self._line.cut(Break("no answer before the work was stopped"))

    @property
    def _is_at_work(self) -> bool:
        return self._next is not None or self._sent is not None or self._intended is not None

    # ------------------------------------------------------------------------------- the envelope

    def _go_on(self) -> None:
        letter = self._following()
        if letter is not None:
            self._line.say(*self._envelope(letter))
        elif self._leaving or self._left <= 0:
            self.leave()
        else:
            self._line.rest(self._options.idle_timeout)
            self._office.at_rest(self)

    def _following(self) -> Letter | None:
        """The next letter that can go to this server; what cannot is settled on the way."""
        while not self._leaving and self._left > 0:
            letter = self._office.take()
            if letter is None:
                return None
            fitting = self._fitting(letter)
            if fitting is not None:
                return fitting
        return None

    def _fitting(self, letter: Letter) -> Letter | None:
        wrong = objection(letter, self._offers)
        if wrong is None:
            return letter
        self._office.settle(letter, wrong)
        return None

    def _envelope(self, letter: Letter) -> tuple[bytes, tuple[Awaited, ...]]:
        """The bytes that open this letter, as many commands as may run ahead, and who hears the replies."""
        self._next = letter
        self._refusal = None
        self._left -= 1
        size = b" SIZE=%d" % letter.size if self._offers.states_size else b""
        utf8 = b" SMTPUTF8" if letter.international else b""
        mail = b"MAIL FROM:<%b>%b%b\r\n" % (letter.sender.encode(), size, utf8)
        awaits: tuple[Awaited, ...] = self._mail_awaits
        if self._ahead is not Ahead.OFF:
            mail += b"RCPT TO:<%b>\r\nDATA\r\n" % letter.recipient.encode()
            awaits = self._envelope_awaits
        if self._unclean:
            self._unclean = False
            return b"RSET\r\n" + mail, (*self._reset_awaits, *awaits)
        return mail, awaits

    def _reset_heard(self, reply: Reply) -> None:
        if not reply.fine:
            self._end(reply.outcome(Result.TRY_LATER, Stage.SENDER))

    def _mail_heard(self, reply: Reply) -> None:
        if reply.fine and self._ahead is Ahead.OFF and self._next is not None:
            recipient = b"RCPT TO:<%b>\r\n" % self._next.recipient.encode()
            self._line.say(recipient, self._recipient_awaits)
        elif not reply.fine:
            self._refused(Stage.SENDER, reply)

    def _recipient_heard(self, reply: Reply) -> None:
        if reply.fine and self._ahead is Ahead.OFF:
            self._line.say(b"DATA\r\n", self._data_awaits)
        elif not reply.fine:
            self._refused(Stage.RECIPIENT, reply)

    def _refused(self, stage: Stage, reply: Reply) -> None:
        if reply.code == CLOSING:
            self._give_up(reply, stage)
            return
        if self._refusal is None:
            self._refusal = (stage, reply)
        if self._ahead is Ahead.OFF:
            self._turned_away(*self._refusal, opened=False)

    def _data_heard(self, reply: Reply) -> None:
        opened = reply.code == _START_INPUT
        if reply.code == CLOSING or self._next is None:
            self._give_up(reply, Stage.DATA)
        elif self._refusal is not None:
            self._turned_away(*self._refusal, opened=opened)
        elif opened:
            self._intend(self._next)
        else:
            self._turned_away(Stage.DATA, reply, opened=False)

    # ------------------------------------------------------------------------ turned away, before the dot

    def _turned_away(self, stage: Stage, reply: Reply, *, opened: bool) -> None:
        """The server does not want this letter, or us. `opened`: it waits for a body nevertheless."""
        if reply.code < 400:
            self._give_up(reply, stage)  # a 2xx in place of 354: we do not understand each other
        elif self._ahead is not Ahead.OFF and is_out_of_step(reply):
            self._office.ahead_at_most(Ahead(self._ahead - 1))
            self._give_up(None, stage)
        elif stage is Stage.SENDER and not is_about_size(reply):
            self._give_up(reply, stage)
        else:
            self._settle_next(outcome_of(reply, stage))
            self._after_refusal(stage, opened)

    def _settle_next(self, outcome: Outcome) -> None:
        letter, self._next = self._next, None
        if letter is not None:
            self._office.settle(letter, outcome)
            self._has_answered()

    def _after_refusal(self, stage: Stage, opened: bool) -> None:
        self._unclean = True
        if not opened:
            self._go_on()
        elif stage is Stage.RECIPIENT:
            # RFC 2920, section 3.1: a lone dot ends a DATA that was accepted without a recipient.
            self._line.say(b".\r\n", ((self._nobody_heard, self._options.command_timeout),))
        else:
            self._end(None)

    def _nobody_heard(self, reply: Reply) -> None:
        if reply.fine:  # an empty message for nobody; such a server gets DATA only behind a good RCPT
            self._office.ahead_at_most(Ahead.OFF)
            self._end(None)
        elif reply.code == CLOSING:
            self._give_up(reply, Stage.DATA)
        else:
            self._go_on()

    def _give_up(self, reply: Reply | None, stage: Stage) -> None:
        """The connection is of no use: what has not been sent goes back, and the relay hears why."""
        result = Result.REFUSED if reply is not None and reply.code >= 500 else Result.TRY_LATER
        self._end(None if reply is None or self._leaving else reply.outcome(result, stage))

    def _end(self, trouble: Outcome | None) -> None:
        self._line.hang_up()
        if self._next is not None:
            letter, self._next = self._next, None
            self._office.give_back(letter)
        self._office.at_end(self, trouble)

    # ---------------------------------------------------------------------------- intent, body and dot

    def _intend(self, letter: Letter) -> None:
        content = letter.content()
        self._content = content if letter.canonical else on_the_wire(content)
        self._intended, self._next = letter, None
        self._line.pause()
        self._office.intend(letter, self._answered)

    def _answered(self, allowed: bool) -> None:
        """The one place from which a body leaves."""
        try:
            self._go(allowed)
        except Exception as error:
            self._office.failed(error)

    def _go(self, allowed: bool) -> None:
        letter, self._intended = self._intended, None
        content, self._content = self._content, b""
        if letter is None:
            return
        if self._line.over:
            if allowed:
                self._office.settle(letter, NOT_SENT)
            else:
                self._office.drop(letter)
        elif not allowed:
            # After 354 whatever we say is a letter: the one way not to send one is to hang up.
            self._office.drop(letter)
            self._end(None)
        else:
            self._send(letter, content)

    def _send(self, letter: Letter, content: bytes) -> None:
        self._sent = letter
        following = self._following() if self._ahead is Ahead.AUTO else None
        if following is None:
            self._line.say(content + b".\r\n", self._body_awaits)
        else:
            envelope, awaits = self._envelope(following)
            self._line.say(b"%b.\r\n%b" % (content, envelope), self._body_awaits + awaits)

    def _dot_heard(self, reply: Reply) -> None:
        letter, self._sent = self._sent, None
        if letter is None:
            return
        # Where the server stumbles over what stood behind the dot, its no is to us and not to the letter.
        stumbled = self._next is not None and is_out_of_step(reply)
        if stumbled:
            self._office.settle(letter, reply.outcome(Result.TRY_LATER, Stage.CONTENT))
            self._office.ahead_at_most(Ahead(self._ahead - 1))
        else:
            self._office.settle(letter, outcome_of(reply, Stage.CONTENT))
        self._has_answered()
        if stumbled:
            self._give_up(None, Stage.CONTENT)
        elif reply.code == CLOSING or reply.code // 100 == 3:
            self._give_up(reply, Stage.CONTENT)
        elif self._leaving:
            self.leave()
        elif self._next is None:
            self._go_on()

    def _has_answered(self) -> None:
        if not self._answered_once:
            self._answered_once = True
            self._office.worked()

    # ------------------------------------------------------------------------------------ the line broke

    def _broke(self, cut: Break) -> None:
        is_told = self._is_at_work or cut.reply is not None
        trouble = outcome_of_break(cut, self._stage()) if is_told else None
        if self._sent is not None:
            letter, self._sent = self._sent, None
            self._office.settle(letter, outcome_of_break(cut, Stage.CONTENT, Result.UNCERTAIN))
        self._end(None if self._leaving else trouble)

    def _stage(self) -> Stage:
        """How far the first letter of the two has come."""
        if self._sent is not None:
            return Stage.CONTENT
        heard: dict[Heard, Stage] = {self._mail_heard: Stage.SENDER, self._recipient_heard: Stage.RECIPIENT}
        awaited = self._line.awaits
        return heard.get(awaited, Stage.DATA) if awaited is not None else Stage.DATA
