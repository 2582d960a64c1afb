"""What the floors hand to each other: resolved turns on their way in, rows and columns on their way out.

Only plain data lives in this package, and the one question that an index puts to the truth (`Allowed`). Ids are the
truth's integers, times are seconds since the epoch. Here every name is told again: `from dmha.records import State`.
"""

from dmha.records.index import Allowed, Candidates, Change, Held, Question, Reach, Rows
from dmha.records.life import FactRow, Reinforcement, RuleRow
from dmha.records.places import Arrival, Contents, Place, Scope
from dmha.records.reading import Filters, State, Uttered, Version
from dmha.records.remembering import Counted, Gist, Overtaken, Perceived, Remembered, Tip
from dmha.records.service import Answered, Audit, Gone, Grounded, Job, Key, Right, Telling, User

__all__ = [
    "Allowed",
    "Answered",
    "Arrival",
    "Audit",
    "Candidates",
    "Change",
    "Contents",
    "Counted",
    "FactRow",
    "Filters",
    "Gist",
    "Gone",
    "Grounded",
    "Held",
    "Job",
    "Key",
    "Overtaken",
    "Perceived",
    "Place",
    "Question",
    "Reach",
    "Reinforcement",
    "Remembered",
    "Right",
    "Rows",
    "RuleRow",
    "Scope",
    "State",
    "Telling",
    "Tip",
    "User",
    "Uttered",
    "Version",
]
