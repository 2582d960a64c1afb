"""Alembic's revisions of the schema; each file under versions/ is history and is never edited again."""
