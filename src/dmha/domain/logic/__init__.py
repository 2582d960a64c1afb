"""Facts, rules and contradictions: the grammar of statements, what follows from them, and what cannot hold together."""

from dmha.domain.logic.claims import Rule, Told
from dmha.domain.logic.conflicts import Clash, Mend, consistency, mend
from dmha.domain.logic.forms import (
    FactStatement,
    Pattern,
    RuleStatement,
    Statement,
    Variable,
    format_claim,
    format_fact,
)
from dmha.domain.logic.knowledge import Knowledge
from dmha.domain.logic.statements import Parsed, parse_statement, parse_statements, parse_told, plain

__all__ = [
    "Clash",
    "FactStatement",
    "Knowledge",
    "Mend",
    "Parsed",
    "Pattern",
    "Rule",
    "RuleStatement",
    "Statement",
    "Told",
    "Variable",
    "consistency",
    "format_claim",
    "format_fact",
    "mend",
    "parse_statement",
    "parse_statements",
    "parse_told",
    "plain",
]
