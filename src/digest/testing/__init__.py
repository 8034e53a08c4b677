"""For other people's parts: a recording mail server, faults, and what a transport must do."""
