"""One issue to its audience: the bag that transports empty, group commits, retries and limits."""
