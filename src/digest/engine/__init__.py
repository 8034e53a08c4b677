"""What wakes the work: on one machine (the ledger is the queue) and on many (Procrastinate between them)."""
