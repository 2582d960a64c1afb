"""`dmha doctor`: what is well and what is not, around the mind and inside it, each with what to do."""

from __future__ import annotations

import platform
import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from dmha.cli import render
from dmha.cli.options import opened, waiting
from dmha.diagnosis import Diagnosis
from dmha.errors import Unavailable
from dmha.settings import cache_folder, read_settings


def examine(db: str | None, *, fix: bool) -> list[Diagnosis]:
    """Look at everything; with `fix`, set right what can be first, and tell what was."""
    found = [_versions(), _cache()]
    path = Path(read_settings().database if db is None else db)
    if not path.exists():
        return [*found, Diagnosis("database", True, f"{path} is not there yet: the first dmha add makes it")]
    try:
        with opened(db) as mind:
            done: list[Diagnosis] = []
            if fix:
                with waiting("Embedding") as progress:
                    done = [replace(one, says=f"mended: {one.says}") if one.ok else one for one in mind.mend(progress)]
            return [*found, *done, *mind.diagnose()]
    except Unavailable as error:  # what cannot even be opened is a finding too
        return [*found, Diagnosis(error.component, False, error.reason, error.fix)]


def table(found: Sequence[Diagnosis]) -> RenderableType:
    """A line each, and under what is wrong the way to mend it; under what could be better, a hint."""
    grid = Table.grid(padding=(0, 2))
    for name in ("mark", "subject", "says"):
        grid.add_column(name, overflow="fold")
    for one in found:
        mark = Text("✓", render.WELL) if one.ok else Text("✗", render.WRONG)
        said = Text(render.shown(one.says))
        if one.fix:
            said.append(f"\n{render.shown(one.fix)}", "dim" if one.ok else "bold")
        grid.add_row(mark, Text(one.subject, "bold"), said)
    return grid


def _versions() -> Diagnosis:
    runtime, numpy = version("onnxruntime"), version("numpy")
    says = f"dmha {version('dmha')}, Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}"
    return Diagnosis("versions", True, f"{says}, ONNX Runtime {runtime}, NumPy {numpy}")


def _cache() -> Diagnosis:
    folder = cache_folder(read_settings())
    kept = sum(file.stat().st_size for file in folder.glob("*.onnx"))
    return Diagnosis("cache", True, f"{folder} holds {kept / 1e6:.0f} MB of made models")
