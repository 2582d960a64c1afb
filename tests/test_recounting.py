"""What was counted by other cutters or other rules is counted again on opening."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from cutting import HERE, Halves, changes, found, open_mind, raw

from dmha.domain.segmentation import RULES


def terms_rows(path: Path) -> list[tuple[Any, ...]]:
    return raw(path, "SELECT * FROM terms")


def test_memories_are_counted_again_for_other_cutters(database: Path) -> None:
    """Opened with another cutter, or a newer one, or none, the file's rows are what that one counts."""
    with open_mind(database) as mind:
        mind.add("東京都へいく", **HERE)
    bare = terms_rows(database)
    assert [row[-1] for row in bare] == [RULES]
    with open_mind(database, Halves()) as mind:
        assert found(mind, "ことば", by_reading=True) == ["東京都へいく"]
    assert [row[-1] for row in terms_rows(database)] == [f"{RULES}+halves-1"]
    with open_mind(database, Halves("halves-2")):
        assert [row[-1] for row in terms_rows(database)] == [f"{RULES}+halves-2"]
    with open_mind(database):
        assert terms_rows(database) == bare


def test_an_upgraded_file_is_counted_again_where_the_rules_are_others(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows of revision 0002 are the first rules': under those, opening logs no change; under later ones, one each."""
    with open_mind(database) as mind:
        mind.add("東京都へいく", **HERE)
        logged = changes(mind)
    with closing(sqlite3.connect(database)) as connection:
        connection.executescript(
            "DROP TABLE words; DROP INDEX ix_terms_segmentation; ALTER TABLE terms DROP COLUMN segmentation;"
            "DROP TABLE keys; DROP TABLE users; DROP TABLE audits; DROP TABLE requests; DROP TABLE jobs;"
            "DROP INDEX ix_perspectives_companion_id_raised; ALTER TABLE perspectives DROP COLUMN raised;"
            "ALTER TABLE memories DROP COLUMN wrong;"
            "DROP INDEX ix_memories_tenant_id_private_to_id; DROP TABLE request_memories; DROP TABLE reply_memories;"
            "DROP INDEX ix_outcomes_tenant_id_key;"
            "ALTER TABLE memory_versions DROP COLUMN wrong;"
            "ALTER TABLE memory_versions DROP COLUMN private;"
            "UPDATE alembic_version SET version_num = '0002'"
        )
    with monkeypatch.context() as patch:
        patch.setattr("dmha.domain.segmentation.RULES", "1")
        with open_mind(database) as mind:
            assert changes(mind) == logged
    with open_mind(database) as mind:
        assert len(changes(mind)) == len(logged) + (RULES != "1")
        assert found(mind, "東京都") == ["東京都へいく"]
        assert all(one.ok for one in mind.diagnose())
