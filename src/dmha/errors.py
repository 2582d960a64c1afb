"""What can go wrong, said so that the reader knows whose fault it is, which field, and what to do.

Only exception classes live here. Every error that DMHA raises on purpose is a `DmhaError`; anything else is a defect.
"""

from __future__ import annotations


class DmhaError(Exception):
    """The root of every error that DMHA raises on purpose."""


class InvalidInput(DmhaError):
    """The caller gave what cannot be right: `field` is what, `reason` is why, `fix` is what to give instead."""

    def __init__(self, field: str, reason: str, fix: str) -> None:
        super().__init__(f"{field}: {reason}. {fix}")
        self.field = field
        self.reason = reason
        self.fix = fix


class NotFound(DmhaError):
    """Nothing of that id belongs to this account; whether another account has it is not told.

    `field` is what named it: `id` for what is asked for itself, else the keyword, such as `parent`.
    """

    def __init__(
        self,
        what: str,
        id: str,
        fix: str = "Check the id and the user_id/agent_id it was made under.",
        field: str = "id",
    ) -> None:
        named = "" if field == "id" else f"{field}: "
        super().__init__(f"{named}no {what} {id!r} in this account. {fix}")
        self.what = what
        self.id = id
        self.fix = fix
        self.field = field


class Stale(DmhaError):
    """The thing changed since the caller read it: read it again and repeat the change on what it is now."""

    def __init__(self, what: str, expected: int, found: int) -> None:
        super().__init__(f"{what} is at version {found}, not {expected}. Read it again and repeat the change.")
        self.expected = expected
        self.found = found


class Unavailable(DmhaError):
    """A component that is needed does not work now; the caller did nothing wrong."""

    def __init__(self, component: str, reason: str, fix: str, role: str = "") -> None:
        super().__init__(f"{component} is unavailable: {reason}. {fix}")
        self.component = component
        self.reason = reason
        self.fix = fix
        self.role = role

    @property
    def told(self) -> str:
        """What strangers may read: of what has a role (`chat model`) neither where it is nor what it said."""
        if not self.role:
            return str(self)
        return f"the {self.role} is unavailable. Ask again later; whoever runs this finds the reason in the log."


class NoRoom(Unavailable):
    """There is no room left to write: nothing is lost, reading goes on, and writing does once there is room again."""


class Taken(DmhaError):
    """Another process took this work over while ours stood still: what ours did is undone."""

    def __init__(self, what: str) -> None:
        super().__init__(f"{what} was taken over by another process meanwhile. Ask for its outcome again.")
        self.what = what


class AnswerGone(DmhaError):
    """The request took effect, once, and what it came to is kept no more; `field` is what names it: `turn_id`."""

    def __init__(self, field: str) -> None:
        super().__init__(
            f"{field}: this request took effect, once, and its answer is kept no more: something that it told of was "
            "deleted, or the file was upgraded since. Read what it changed, or say it anew under another id."
        )
        self.field = field


class Abandoned(DmhaError):
    """Whoever asked has left: the work stopped between two steps, with nothing half-written."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"{reason}: the work was stopped, with nothing half-written. Ask again.")
        self.reason = reason


class MissingExtra(DmhaError):
    """An optional part is asked for and not installed; the message is the line that brings it."""

    def __init__(self, extra: str, needed_for: str) -> None:
        super().__init__(f"{needed_for} needs the extra {extra!r}. In DMHA's checkout, run: pip install '.[{extra}]'")
        self.extra = extra


class OutOfBounds(DmhaError):
    """The input is well-formed but larger than a stated limit."""

    def __init__(self, field: str, limit: int, found: int, fix: str) -> None:
        super().__init__(f"{field}: {found} is over the limit of {limit}. {fix}")
        self.field = field
        self.limit = limit
        self.found = found
        self.fix = fix
