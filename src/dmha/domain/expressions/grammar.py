"""The grammar of rankings: tokens to a tree, and `str(tree)` back to text that reads the same.

    ranking    = operand { operator operand }
    operand    = number | 'duration' | name | name "(" [ ranking { "," ranking } ] ")" | "(" ranking ")"
               | "-" operand | "not" ranking
    operators, loosest first:  or   and   not   < <= > >= == !=   + -   * /   -x

Only the shape is decided here: what a name means, and whether it exists, is for `check`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TypeVar

from dmha.domain.expressions.arithmetic import LIMIT
from dmha.domain.expressions.source import Source, Span, quoted
from dmha.domain.expressions.tokens import KEYWORDS, Token, is_duration, tokens
from dmha.errors import InvalidInput

MAX_NODES = 256
MAX_NESTING = 32  # far beyond what people write; keeps the parser's own recursion some 250 frames deep at most

COMPARISONS = frozenset({"<", "<=", ">", ">=", "==", "!="})
NOT_BINDING = 3
MINUS_BINDING = 7
BINDING = {"or": 1, "and": 2, **dict.fromkeys(COMPARISONS, 4), "+": 5, "-": 5, "*": 6, "/": 6}
SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800, "y": 31_536_000}  # a year of 365 days

_NOWHERE = Span(0, 0)


@dataclass(frozen=True, slots=True)
class Number:
    """A number as written, never negative: the sign is an operator."""

    value: float
    at: Span = field(default=_NOWHERE, compare=False)

    def __str__(self) -> str:
        return repr(self.value)


@dataclass(frozen=True, slots=True)
class Duration:
    """A quoted span of time, such as '7d'."""

    text: str
    at: Span = field(default=_NOWHERE, compare=False)

    @property
    def seconds(self) -> float:
        return float(self.text[:-1]) * SECONDS[self.text[-1]]

    def __str__(self) -> str:
        return f"'{self.text}'"


@dataclass(frozen=True, slots=True)
class Name:
    """A feature, a parameter, or a field between parentheses."""

    name: str
    at: Span = field(default=_NOWHERE, compare=False)

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Call:
    """A name with arguments: a function, or a feature that is written like one."""

    name: str
    arguments: tuple[Tree, ...]
    at: Span = field(default=_NOWHERE, compare=False)

    def __str__(self) -> str:
        return f"{self.name}({', '.join(map(str, self.arguments))})"


@dataclass(frozen=True, slots=True)
class Unary:
    """`-x` or `not x`."""

    operator: str
    operand: Tree
    at: Span = field(default=_NOWHERE, compare=False)

    def __str__(self) -> str:
        gap = " " if self.operator == "not" else ""
        return f"{self.operator}{gap}{_inside(self.operand, _binding(self))}"


@dataclass(frozen=True, slots=True)
class Binary:
    """Two operands and what stands between them."""

    operator: str
    left: Tree
    right: Tree
    at: Span = field(default=_NOWHERE, compare=False)

    def __str__(self) -> str:
        own = _binding(self)
        left = _inside(self.left, own if self.operator in COMPARISONS else own - 1)
        return f"{left} {self.operator} {_inside(self.right, own)}"


Tree = Number | Duration | Name | Call | Unary | Binary


def _binding(tree: Tree) -> int:
    """How tightly a tree holds together as text."""
    match tree:
        case Binary():
            return BINDING[tree.operator]
        case Unary():
            return NOT_BINDING if tree.operator == "not" else MINUS_BINDING
        case _:
            return MINUS_BINDING + 1


def _inside(tree: Tree, floor: int) -> str:
    return str(tree) if _binding(tree) > floor else f"({tree})"


T = TypeVar("T", Number, Duration, Name, Call, Unary, Binary)


def additive_terms(tree: Tree) -> list[tuple[str, Tree]]:
    """What a tree adds up, in order, each with its sign; one term where it is no sum."""
    terms: list[tuple[str, Tree]] = []
    while isinstance(tree, Binary) and tree.operator in "+-":
        terms.append((tree.operator, tree.right))
        tree = tree.left
    return [("+", tree), *reversed(terms)]


def parse(source: Source) -> Tree:
    """The tree of a whole text; raises `InvalidInput` or `OutOfBounds` that point at the place."""
    return _Parser(source).whole()


class _Parser:
    """Precedence climbing over the tokens of one text."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._tokens = iter(tokens(source))
        self._here = next(self._tokens)
        self._nodes = 0
        self._nesting = 0

    def whole(self) -> Tree:
        if self._ended():
            raise self._source.mistake(self._here.at, "there is nothing", "Give an expression, such as similarity")
        tree = self._expression(0)
        if not self._ended():
            raise self._unexpected("an operator or the end")
        return tree

    def _expression(self, floor: int) -> Tree:
        """An operand and all operators after it that bind tighter than `floor`."""
        left = self._operand(floor)
        while (binding := BINDING.get(self._here.text, 0)) > floor:
            operator = self._take().text
            right = self._expression(binding)
            left = self._node(Binary(operator, left, right, Span(left.at.start, right.at.end)))
            if operator in COMPARISONS and self._here.text in COMPARISONS:
                raise self._source.mistake(self._here.at, "comparisons do not chain", "Write a < b and b < c")
        return left

    def _operand(self, floor: int) -> Tree:
        token = self._here
        match token.kind, token.text:
            case "number", _:
                return self._number(self._take())
            case "quoted", _:
                return self._duration(self._take())
            case "operator", "(":
                return self._group()
            case "operator", "-":
                return self._prefixed(MINUS_BINDING)
            case "word", "not" if floor <= NOT_BINDING:
                return self._prefixed(NOT_BINDING)
            case "word", "not":
                raise self._source.mistake(token.at, "'not' cannot stand here bare", "Put it in parentheses: (not x)")
            case "word", word if word not in KEYWORDS:
                return self._named(self._take())
        raise self._unexpected("a name, a number or '('")

    def _number(self, token: Token) -> Tree:
        value = float(token.text)
        if value > LIMIT:
            raise self._source.mistake(token.at, "the number is too large", f"Numbers go up to {LIMIT:g}")
        return self._node(Number(value, token.at))

    def _duration(self, token: Token) -> Tree:
        text = token.text[1:-1]
        if not is_duration(text):
            fix = "Write a number and one of s m h d w y: '30s', '90m', '36h', '7d', '2w', '1y'"
            raise self._source.mistake(token.at, f"{quoted(text)} is no duration", fix)
        duration = Duration(text, token.at)
        if duration.seconds > LIMIT:
            raise self._source.mistake(token.at, "the duration is too long", f"Durations go up to {LIMIT:g} seconds")
        return self._node(duration)

    def _group(self) -> Tree:
        with self._nested():
            opening = self._take()
            inner = self._expression(0)
            return replace(inner, at=Span(opening.at.start, self._close(opening)))

    def _prefixed(self, binding: int) -> Tree:
        with self._nested():
            operator = self._take()
            operand = self._expression(binding) if operator.text == "not" else self._operand(binding)
            return self._node(Unary(operator.text, operand, Span(operator.at.start, operand.at.end)))

    def _named(self, word: Token) -> Tree:
        if self._here.text != "(":
            return self._node(Name(word.text, word.at))
        with self._nested():
            opening = self._take()
            arguments = self._arguments()
            return self._node(Call(word.text, arguments, Span(word.at.start, self._close(opening))))

    def _arguments(self) -> tuple[Tree, ...]:
        if self._here.text == ")":
            return ()
        arguments = [self._expression(0)]
        while self._here.text == ",":
            self._take()
            arguments.append(self._expression(0))
        return tuple(arguments)

    def _close(self, opening: Token) -> int:
        """Takes the closing parenthesis and gives where it ends."""
        if self._ended():
            raise self._source.mistake(opening.at, "a parenthesis is opened and not closed", "Close it with ')'")
        if self._here.text != ")":
            raise self._unexpected("an operator, ',' or ')'")
        return self._take().at.end

    def _ended(self) -> bool:
        return self._here.kind == "end"

    def _take(self) -> Token:
        taken = self._here
        self._here = next(self._tokens, taken)
        return taken

    def _node(self, node: T) -> T:
        self._nodes += 1
        if self._nodes > MAX_NODES:
            raise self._source.excess(self._here.at, MAX_NODES, "Use fewer names, numbers, operators and calls.")
        return node

    @contextmanager
    def _nested(self) -> Iterator[None]:
        self._nesting += 1
        if self._nesting > MAX_NESTING:
            raise self._source.excess(self._here.at, MAX_NESTING, "Nest fewer parentheses, calls and signs.")
        yield
        self._nesting -= 1

    def _unexpected(self, wanted: str) -> InvalidInput:
        found = "the text ends" if self._ended() else f"{quoted(self._here.text)} stands"
        return self._source.mistake(
            self._here.at, f"{found} where {wanted} should be", "Complete it, or take out what is too much"
        )
