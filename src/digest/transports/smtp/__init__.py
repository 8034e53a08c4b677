"""Mail over SMTP: letters to one relay, over several connections, with commands that run ahead of replies.

    relay         the transport: connections, pauses, draining
    conversation  letters over one connection: envelope, intent, body, answer
    opening       connect, greeting, EHLO, STARTTLS, login
    login         AUTH PLAIN, LOGIN, XOAUTH2
    line          bytes out, replies in, time limits
    replies       bytes become replies
    verdicts      what a letter or a reply amounts to
    options       the settings

What belongs to no connection (which letter, when again, how fast) is the bag's affair.
"""

from digest.transports.smtp.options import Ahead, Auth, Security, SmtpOptions
from digest.transports.smtp.relay import Relay, make

__all__ = ["Ahead", "Auth", "Relay", "Security", "SmtpOptions", "make"]
