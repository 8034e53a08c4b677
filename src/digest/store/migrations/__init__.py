"""How a database of an older digest becomes one of this. Alembic reads `env.py` and `versions/`."""
