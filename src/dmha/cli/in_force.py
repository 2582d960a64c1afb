"""`dmha settings`: which value is in force, and from where. Secrets are three stars."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from dmha.cli import render
from dmha.settings import shown, trace_settings


@dataclass(frozen=True, slots=True)
class InForce:
    """A setting as it counts now; `source` is the variable or the file's key that gave it, or `default`."""

    name: str
    value: Any
    source: str


def told() -> list[InForce]:
    """Every setting, in the order of docs/settings.md."""
    settings, called = trace_settings()
    return [InForce(name, shown(value), called.get(name, "default")) for name, value in settings]


def table(found: Sequence[InForce]) -> RenderableType:
    """A line each; what nobody set is dim."""
    grid = Table.grid(padding=(0, 2))
    for name in ("name", "value", "source"):
        grid.add_column(name, overflow="fold")
    for one in found:
        style = "dim" if one.source == "default" else "bold"
        grid.add_row(
            Text(one.name, style), Text(render.shown(written(one.value))), Text(render.shown(one.source), "dim")
        )
    return grid


def written(value: Any) -> str:
    """A value as one writes it in the environment."""
    if isinstance(value, tuple):
        return ", ".join(value)
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)
