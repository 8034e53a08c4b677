"""Addresses, tokens, and the tables of other services: people before anybody stores them (pure)."""
