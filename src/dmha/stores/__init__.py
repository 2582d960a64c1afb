"""The truth: SQLAlchemy Core over one SQLite file. Everything else that DMHA keeps can be rebuilt from it."""
