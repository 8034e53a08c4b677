"""What comes back: a message as it was received -> whose it is, and what it means for them (pure)."""
