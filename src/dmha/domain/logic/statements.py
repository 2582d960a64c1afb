"""Facts and rules as people write them inside a chat turn: found, understood, or reported with what is wrong.

The grammar is told in docs/knowledge.md. A malformed statement is no error of the turn around it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time

from dmha.domain.logic.forms import (
    FactStatement,
    Pattern,
    RuleStatement,
    Statement,
    Variable,
    format_claim,
    format_fact,
    format_rule,
)
from dmha.domain.logic.scanner import AND, EXAMPLE, LONGEST, NOT, THEN, Scanner, any_width, find_head
from dmha.domain.logic.vocabulary import fold
from dmha.errors import InvalidInput

__all__ = [
    "FactStatement", "Parsed", "Pattern", "RuleStatement", "Statement", "Variable",
    "format_claim", "format_fact", "parse_statement", "parse_statements", "parse_told", "plain",
]  # fmt: skip

MOST_STATEMENTS = 32  # of one text, and as many problems: more is a paste, and told as such
MOST_CONDITIONS = 8

RULE_EXAMPLE = "Write it like: rule: if ?x.city = Osaka and ?x.job = nurse then ?x.region = Kansai (conf=0.8)"
_IF = rf"{any_width('if')}(?=[\s?？\"'])|もし|如果"
_COMMA = "[、,，]?"
_CONFIDENCE = re.compile(r"[0-9]{0,20}\.?[0-9]{0,20}(?:e-?[0-9]{1,3})?")
# Control signs and lone surrogates: no store keeps them, no person means them.
_UNKEEPABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a turn states, in order, and what in it looks like a statement but is not one."""

    statements: tuple[Statement, ...]
    problems: tuple[InvalidInput, ...]


def parse_statements(text: str) -> Parsed:
    """All statements of a turn; text around them is left alone."""
    found = list(_scan(text))
    return Parsed(
        tuple(item for item, _, _ in found if not isinstance(item, InvalidInput)),
        tuple(item for item, _, _ in found if isinstance(item, InvalidInput)),
    )


def parse_statement(text: str) -> Statement:
    """Exactly one statement; without a keyword it is a fact. Raises `InvalidInput` otherwise."""
    if len(text) > LONGEST:
        raise InvalidInput("statement", f"it has {len(text):,} characters, over {LONGEST:,}", "Shorten it.")
    begin = len(text) - len(text.lstrip())
    head = find_head(text, begin)
    opens = head is not None and head.start() == begin
    kind = head.lastgroup if head is not None and opens else "fact"
    scanner = Scanner(text, begin, head.end() if head is not None and opens else begin)
    statement = _statement(scanner, kind)
    if text[scanner.at :].strip():
        scanner.fail(
            "more text follows the statement", "Give one statement a call, and quote a value that holds . ; or ("
        )
    return statement


def parse_told(text: str) -> Statement:
    """As `parse_statement`, of what somebody means to state: it says so by its keyword, or is `InvalidInput`.

    Without one "I like tea. x = y" would be a fact about "I like tea".
    """
    begin = len(text) - len(text.lstrip())
    head = find_head(text, begin)
    if head is None or head.start() != begin:
        raise InvalidInput("statement", "it begins with no keyword: fact:, deny: or rule:", EXAMPLE)
    return parse_statement(text)


def plain(text: str) -> str:
    """What was said in ordinary words: the text without its well-formed statements."""
    pieces, at = [], 0
    for item, start, end in _scan(text):
        if not isinstance(item, InvalidInput):
            pieces.append(text[at:start])
            at = end
    pieces.append(text[at:])
    said = ""
    for piece in pieces:
        piece = piece.strip(" \t\u3000")
        said += " " + piece if said and piece and said[-1] != "\n" and piece[0] != "\n" else piece
    return said.strip()


def _scan(text: str) -> Iterator[tuple[Statement | InvalidInput, int, int]]:
    """Each statement, or the problem of what opens like one, with where it stands."""
    at = statements = problems = 0
    while head := find_head(text, at):
        if MOST_STATEMENTS in (statements, problems):
            reason = f"the text has more than {MOST_STATEMENTS}; from character {head.start() + 1} on none is read"
            yield InvalidInput("statement", reason, "Say the others in another turn."), head.start(), head.start()
            return
        scanner = Scanner(text, head.start(), head.end())
        try:
            yield _statement(scanner, head.lastgroup), head.start(), scanner.at
            statements, at = statements + 1, scanner.at
        except InvalidInput as problem:
            yield problem, head.start(), head.end()
            problems, at = problems + 1, head.end()


def _statement(scanner: Scanner, kind: str | None) -> Statement:
    statement: Statement = _rule(scanner) if kind == "rule" else _fact(scanner, denied=kind == "deny")
    scanner.finish()
    if _UNKEEPABLE.search(scanner.text, scanner.start, scanner.at):
        scanner.fail("it holds a control character or half of a surrogate pair", "Leave that character out.")
    return statement


def _fact(scanner: Scanner, *, denied: bool) -> FactStatement:
    pattern = _clause(scanner)
    entity, value = pattern.entity, pattern.value
    if isinstance(entity, Variable) or isinstance(value, Variable):
        scanner.fail("a fact names no variables", 'Quote the name, as in "?x", or write a rule.')
    if pattern.operator != "=":
        scanner.fail(f"a fact says '=', not '{pattern.operator}'", "Write deny: aya.city = Osaka to deny it.")
    if denied and pattern.negated:
        scanner.fail("it is denied twice", "Write deny: aya.city = Osaka, or fact: not aya.city = Osaka.")
    options = scanner.options()
    _known(scanner, options, {"conf", "confidence", "scope", "from", "until"})
    since, until = _moment(scanner, options, "from"), _moment(scanner, options, "until")
    if since and until and until <= since:
        scanner.fail("'until' is not after 'from'", "Give an 'until' later than 'from'.")
    scope = fold(options.get("scope", ""))
    return FactStatement(
        entity, pattern.attribute, value, denied or pattern.negated, _confidence(scanner, options), scope, since, until
    )


def _rule(scanner: Scanner) -> RuleStatement:
    if scanner.take(_IF) is None:
        scanner.fail("a rule opens with 'if'", RULE_EXAMPLE)
    conditions = [_clause(scanner, in_condition=True)]
    while scanner.take(_COMMA + AND):
        scanner.take(_COMMA)
        conditions.append(_clause(scanner, in_condition=True))
        if len(conditions) > MOST_CONDITIONS:
            scanner.fail(f"a rule has at most {MOST_CONDITIONS} conditions", "Split it in two rules.")
    if scanner.take(_COMMA + THEN) is None:
        scanner.fail("'and' or 'then' and a clause are expected", RULE_EXAMPLE)
    scanner.take(_COMMA)
    conclusion = _clause(scanner)
    _check_variables(scanner, conditions, conclusion)
    options = scanner.options()
    _known(scanner, options, {"conf", "confidence"})
    confidence = _confidence(scanner, options)
    return RuleStatement(
        tuple(conditions), conclusion, confidence, format_rule(tuple(conditions), conclusion, confidence)
    )


def _clause(scanner: Scanner, *, in_condition: bool = False) -> Pattern:
    negated = scanner.take(NOT) is not None
    entity = scanner.variable() or scanner.name("entity")
    scanner.dot("entity")
    attribute = scanner.name("attribute")
    operator = scanner.operator()
    value = scanner.variable() or scanner.value(in_condition=in_condition)
    return Pattern(entity, attribute, operator, value, negated)


def _check_variables(scanner: Scanner, conditions: list[Pattern], conclusion: Pattern) -> None:
    """A rule can be run: it concludes '=', and each variable is bound by an entity or by a '=' of a condition."""
    if conclusion.operator != "=":
        scanner.fail(f"a rule concludes '=', not '{conclusion.operator}'", RULE_EXAMPLE)
    bound = {c.entity for c in conditions} | {c.value for c in conditions if c.operator == "="}
    for term in (conclusion.entity, conclusion.value, *(c.value for c in conditions)):
        if isinstance(term, Variable) and term not in bound:
            scanner.fail(f"the conditions do not say what {term} is", RULE_EXAMPLE)


def _known(scanner: Scanner, options: dict[str, str], known: set[str]) -> None:
    if unknown := sorted(options.keys() - known):
        scanner.fail(
            f"the option {unknown[0]!r} is not known here", f"Known: {', '.join(sorted(known))}; or quote the value."
        )


def _confidence(scanner: Scanner, options: dict[str, str]) -> float:
    if len(options.keys() & {"conf", "confidence"}) == 2:
        scanner.fail("the confidence is given twice", EXAMPLE)
    text = fold(options.get("conf", options.get("confidence", "1")))
    if not _CONFIDENCE.fullmatch(text) or not any(c.isdigit() for c in text.split("e")[0]) or float(text) > 1.0:
        scanner.fail(f"the confidence {text!r} is not a number from 0 to 1", EXAMPLE)
    return float(text)


def _moment(scanner: Scanner, options: dict[str, str], key: str) -> datetime | None:
    if key not in options:
        return None
    text = fold(options[key]).upper()
    try:
        if len(text) == len("2024-09-02"):
            return datetime.combine(date.fromisoformat(text), time(), UTC)
        at = datetime.fromisoformat(text)
        if at.tzinfo is not None:
            return at.astimezone(UTC)
    except (ValueError, OverflowError):  # OverflowError: year 1 or 9999 moved out of the calendar by its zone
        scanner.fail(f"{key}={text!r} is not an ISO date", f"Write {key}=2024-09-02.")
    return scanner.fail(f"{key}={text!r} has no zone", f"Write {key}=2024-09-02 or {key}=2024-09-02T18:00+09:00.")
