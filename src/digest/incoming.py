"""Bounces, complaints and requests to leave: read from wherever they arrive, and acted on."""
