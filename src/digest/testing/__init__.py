"""For other people's parts: a recording mail server, faults, and what a transport must do.

transport_contract   checks that any transport has to pass
bag                  a mailbag that hands out letters and minds the rules of the port
server               a mail server that does what its script says, and keeps what it accepts
certificates         good and bad ones for it (needs trustme)
sink                 a mail server that only writes down, as fast as it can: `python -m digest.testing.sink`
"""
