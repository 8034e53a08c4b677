"""The office: finds out what sign-ups mean, and sends the mails that answer readers, one each and once.

It works beside whatever else a process does, in the same event loop, over the transport that the settings
name and with few connections. What must be known after a crash stands in the store (`store.service_mails`);
the office itself remembers only when to try again. `writing` makes a letter of a mail that waits, `bag` hands
letters to the transport and writes down what becomes of them, `desk` is the work from turn to turn.
"""

from digest.office.desk import Office, once

__all__ = ["Office", "once"]
