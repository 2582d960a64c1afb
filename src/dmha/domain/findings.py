"""What a check of a draft reply brings to light; the word that the faculties of checking and of mending share."""

from __future__ import annotations

from dataclasses import dataclass

from dmha.domain.logic import Clash
from dmha.types import Conflict


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that does not fit: the conflict, what sets it right in words, and the clash of facts if it is one."""

    conflict: Conflict
    correction: str
    clash: Clash | None = None
