"""What a check of a draft reply brings to light; the word that the faculties of checking and of mending share."""

from __future__ import annotations

import re
from dataclasses import dataclass

from dmha.domain.logic import Clash
from dmha.types import Conflict


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that does not fit: the conflict, what sets it right in words, and the clash of facts if it is one."""

    conflict: Conflict
    correction: str
    clash: Clash | None = None


_DATE = re.compile(r"\d{4}-\d\d-\d\d")


def undated(text: str) -> str:
    """The text without dates: when something was said is not what was said."""
    return _DATE.sub(" ", text)
