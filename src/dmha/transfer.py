"""Export and import of an account as one file of JSON lines: a header a world, then its rows (see stores/exported).

Both may be interrupted at any moment and go on when they are run again. An export is of one moment: what it wrote is of
use only while the truth stays as it was. An import is judged whole before a row of it is written; all its worlds appear
at one moment, when the last of them is there, and until then nobody can see any of it.
"""

from __future__ import annotations

import errno
import json
import logging
import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from functools import partial
from hashlib import blake2b
from itertools import chain, islice
from pathlib import Path
from tempfile import TemporaryFile
from types import TracebackType
from typing import IO, Any
from zoneinfo import available_timezones

from dmha.errors import InvalidInput, NoRoom, NotFound, Unavailable
from dmha.older import OLDER, translated
from dmha.protocols import Also, Judge, Ledger, Progress, Truth, nothing_else
from dmha.records import Arrival, Contents, Counted

if sys.platform != "win32":
    import fcntl

FORMAT = "dmha-export-4"
_FIX = "Give a file made by dmha export, as it was written."
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}  # a full disk, one's share of it, the longest file allowed
_log = logging.getLogger("dmha")

# Lines between two moments at which an export would go on: a fsync and a small file each.
_NOTED = 20_000
# Lines that an import writes in one transaction: 20 to 50 ms, in which other writers wait.
_UNIT = 2_000
_SESSIONS = 200
_TOLD = 1_000  # lines between two reports of progress
_LONGEST_LINE = 1 << 26  # four times what the longest words, metadata and vector come to


def export_file(truth: Truth, path: Path, user_id: str, world: str | None, progress: Progress) -> int:
    """Write the worlds to the file, whole or not at all; returns the number of lines.

    Interrupted, it leaves `PATH.part`; run again, it goes on from there if nothing was written to the truth meanwhile.
    """
    if not path.name or "\x00" in str(path):
        raise InvalidInput("path", f"{str(path)!r} names no file", "Give the path of a file to write.")
    with truth.read() as ledger:
        worlds = ledger.portable.worlds(user_id, world)
        if not worlds:
            if world is None:
                raise NotFound("account", user_id, field="user_id")
            raise NotFound("companion", world.removeprefix("agent:"), field="agent_id")
        total: int = sum(each.rows + 1 for each in worlds)
        asked = json.dumps([FORMAT, ledger.portable.moment(), user_id, world])
        try:
            with _Part(path, blake2b(asked.encode(), digest_size=16).hexdigest()) as part:
                for line in _told(ledger, worlds, part.lines):
                    part.write(line)
                    if part.lines % _TOLD == 0:
                        progress(part.lines, total)
                part.finish()
        except OSError as error:
            raise unwritable("export file", str(error), "Give a path in a writable folder with room.", error) from error
    progress(total, total)
    return total


def _told(ledger: Ledger, worlds: Any, skip: int) -> Iterator[dict[str, Any]]:
    """The lines of the file after the first `skip`."""
    for each in worlds:
        if skip <= each.rows:
            header = [] if skip else [{"format": FORMAT, "world": each.name, "zone": each.zone}]
            yield from chain(header, ledger.portable.rows(each, max(0, skip - 1)))
        skip = max(0, skip - each.rows - 1)


class _Part:
    """The file while it is written. A note beside it tells of which moment it is, and how much of it is on the disk."""

    def __init__(self, path: Path, moment: str) -> None:
        self._path = path
        self._part, self._note = (path.with_name(f"{path.name}.{end}") for end in ("part", "note"))
        self._moment = moment
        self.lines = 0

    def __enter__(self) -> _Part:
        self._file = self._part.open("ab")
        try:
            self._lock()
            bytes_, self.lines = self._noted()
            self._file.truncate(bytes_)
        except BaseException:
            self._file.close()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if error is not None:
            with suppress(OSError):  # what interrupts is told already; without a note the next export begins anew
                self._remember()
        with suppress(OSError):  # what it had to say is said, or the file is whole
            self._file.close()

    def write(self, line: dict[str, Any]) -> None:
        self._file.write(_written(line))
        self.lines += 1
        if self.lines % _NOTED == 0:
            self._remember()

    def finish(self) -> None:
        """Put the file in its place, now that it is whole."""
        self._file.flush()
        os.fsync(self._file.fileno())
        if sys.platform == "win32":
            self._file.close()  # Windows moves no file that is open; elsewhere it stays locked until it is in its place
        self._part.replace(self._path)
        self._note.unlink(missing_ok=True)

    def _lock(self) -> None:
        """Keep others out until the file is closed, a killed process's as well, or raise `Unavailable`."""
        if sys.platform == "win32":
            return
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            ours = os.path.samestat(os.fstat(self._file.fileno()), self._part.stat())
        except (BlockingIOError, FileNotFoundError):
            ours = False  # it is being written, or was put in its place since we opened it
        if not ours:
            raise Unavailable("export file", "another export to it is under way", "Wait for it, or give another path.")

    def _remember(self) -> None:
        self._file.flush()
        os.fsync(self._file.fileno())
        new = self._note.with_name(self._note.name + ".new")
        new.write_text(json.dumps([self._moment, self._file.tell(), self.lines]))
        new.replace(self._note)

    def _noted(self) -> tuple[int, int]:
        """How many bytes and lines of an interrupted export are of use."""
        if not self._part.stat().st_size:
            return 0, 0
        try:
            moment, bytes_, lines = json.loads(self._note.read_text())
        except (OSError, ValueError):  # it was interrupted before its first note
            return 0, 0
        if moment == self._moment and self._part.stat().st_size >= bytes_:
            return bytes_, lines
        _log.warning("%s is of an earlier moment: the export begins anew", self._part)
        return 0, 0


@dataclass(frozen=True, slots=True)
class _World:
    """One world of a file: the name that it will have, and what its lines hold."""

    name: str
    zone: str
    contents: Contents


def import_file(
    truth: Truth,
    path: Path,
    user_id: str,
    agent_id: str | None,
    count: Callable[[str], Counted],
    now: float,
    progress: Progress,
    also: Also[int] = nothing_else,
) -> int:
    """Read the worlds of the file into the account; returns the number of memories.

    All of them appear at one moment, or none; other writers go on meanwhile. Interrupted, the same import run again
    goes on where it stopped; one of another file for the same world begins anew and removes what had come of the first.
    """
    with ExitStack() as stack:
        file = _opened(path, stack)
        digest, total = _measured(file)
        worlds = _judged(truth, _Lines(file, total, progress), agent_id)
        memories = sum(world.contents.memories for world in worlds)
        _clear_the_way(truth, user_id, worlds, digest)
        arrivals = [_begun(truth, user_id, world, digest, now) for world in worlds]
        try:
            lines = _Lines(file, total, progress, again=True)
            whole = [_bring(truth, *each, lines, count) for each in zip(worlds, arrivals, strict=True)]
            if lines.digest() != digest:
                raise InvalidInput("file", "it changed while it was read", "Import it again when nobody writes it.")
            if not truth.write(partial(_appear, whole, memories, also)):
                raise _taken_away()
        except InvalidInput:  # it cannot come: what there is of it would only lie about
            for arrival in arrivals:
                drop_arrival(truth, arrival.tenant_id)
            raise
    progress(2 * total, 2 * total)
    return memories


def _appear(whole: Sequence[Arrival], memories: int, also: Also[int], ledger: Ledger) -> bool:
    appeared = ledger.portable.appear(whole)
    if appeared:
        also(ledger, memories)
    return appeared


def _clear_the_way(truth: Truth, user_id: str, worlds: Sequence[_World], digest: str) -> None:
    """Refuse where a world is taken already; remove what had come of other files for the same worlds."""
    names = {world.name for world in worlds}
    with truth.read() as ledger:
        for name in sorted(names):
            ledger.portable.refuse_unless_empty(user_id, name)
        remains = [each for each in ledger.portable.arrivals(user_id) if each.world in names and each.digest != digest]
    for each in remains:
        drop_arrival(truth, each.tenant_id)


def drop_arrival(truth: Truth, tenant_id: int) -> None:
    """Remove what has come of an import that will not go on."""
    while truth.write(lambda ledger: ledger.portable.remove(tenant_id)):
        pass


def _begun(truth: Truth, user_id: str, world: _World, digest: str, now: float) -> Arrival:
    lines, agents = world.contents.rows + 1, world.contents.companions
    return truth.write(
        lambda ledger: ledger.portable.begin(user_id, world.name, world.zone, digest, lines, agents, now)
    )


def _bring(truth: Truth, world: _World, arrival: Arrival, lines: _Lines, count: Callable[[str], Counted]) -> Arrival:
    """Write what is not yet there of a world, in units between which others write."""
    with truth.read() as ledger:
        state = ledger.portable.restoring(arrival, world.contents.companions)
    lines.skip(1 + arrival.line)
    while arrival.line < arrival.lines:
        here = arrival
        batch = state.prepare(islice(lines, min(_UNIT, here.lines - here.line)), count)
        fresh = truth.write(lambda ledger: ledger.portable.take_in(state, here, batch))  # noqa: B023 - it returns first
        if fresh is None:
            raise _taken_away()
        state.follow(fresh)
        arrival = replace(here, line=here.line + batch.lines)
    sessions = state.ids["sessions"]
    for start in range(0, len(sessions), _SESSIONS):
        some = list(sessions[start : start + _SESSIONS])
        truth.write(lambda ledger: ledger.portable.settle(some))  # noqa: B023 - it returns first
    return arrival


def _taken_away() -> Unavailable:
    return Unavailable(
        "import", "another process imports the same, or deleted it meanwhile", "See what is there, and import it again."
    )


def _judged(truth: Truth, lines: _Lines, agent_id: str | None) -> list[_World]:
    """The worlds of the file, each of its lines checked; nothing is written."""
    headers: list[dict[str, Any]] = []
    judges: list[Judge] = []
    contents: list[Contents] = []
    for line in lines:
        if "format" in line:
            contents += [judges.pop().contents()] if judges else []
            headers.append(line)
            with truth.read() as ledger:
                judges.append(ledger.portable.judge(agent_id))
        else:
            judges[-1].take(line)
    if not headers:
        raise InvalidInput("file", "it is empty", _FIX)
    contents.append(judges.pop().contents())
    if agent_id is not None and len(headers) != 1:
        raise InvalidInput(
            "agent_id", f"the file holds {len(headers)} worlds", "Leave agent_id out to keep their names."
        )
    names = [header["world"] if agent_id is None else f"agent:{agent_id}" for header in headers]
    if len(set(names)) != len(names):
        raise InvalidInput("file", "it holds one world twice", _FIX)
    return [_World(name, header["zone"], held) for name, header, held in zip(names, headers, contents, strict=True)]


def _opened(path: Path, stack: ExitStack) -> IO[bytes]:
    """The file in the present format: one of an older is told anew, into a file that goes with the stack."""
    try:
        file = stack.enter_context(path.open("rb"))
        first = file.readline(_LONGEST_LINE)
    except OSError as error:
        raise InvalidInput("path", f"{str(path)!r} cannot be read: {error.strerror}", _FIX) from error
    except ValueError as error:  # the path holds a NUL
        raise InvalidInput("path", str(error), _FIX) from error
    older = next((each for each in OLDER if each.encode() in first), None)
    if older is None:
        return file
    try:
        told = stack.enter_context(TemporaryFile())  # noqa: SIM115 - the stack is its context
        for line in translated(lambda: iter(_Lines(file, format=older)), older, FORMAT):
            told.write(_written(line))
    except OSError as error:
        reason = f"the file of an older format cannot be told anew: {error}"
        raise unwritable("import", reason, "Free some space.", error) from error
    return told


def unwritable(component: str, reason: str, fix: str, error: OSError) -> Unavailable:
    """What it means for a caller that a file cannot be written: `NoRoom` where that is why."""
    return (NoRoom if error.errno in _NO_ROOM else Unavailable)(component, reason, fix)


def _measured(file: IO[bytes]) -> tuple[str, int]:
    """The digest of the file and the number of its lines."""
    file.seek(0)
    digest, lines, last = blake2b(digest_size=16), 0, b""
    while part := file.read(1 << 20):
        digest.update(part)
        lines += part.count(b"\n")
        last = part
    return digest.hexdigest(), lines + (last[-1:] not in (b"", b"\n"))


class _Lines:
    """The lines of a file from its beginning, each checked to be a row or a header; `again`: read a second time."""

    def __init__(
        self, file: IO[bytes], total: int = 0, progress: Progress | None = None, *, again: bool = False,
        format: str = FORMAT,
    ) -> None:  # fmt: skip
        file.seek(0)
        self._file = file
        self._digest = blake2b(digest_size=16)
        self._number = 0
        self._total = total
        self._progress = progress
        self._again = again
        self._format = format

    def __iter__(self) -> Iterator[dict[str, Any]]:
        while line := self._next():
            try:
                value = json.loads(line.decode())
            except (ValueError, RecursionError) as error:  # no UTF-8, no JSON, or JSON that is nested without end
                reason = f"line {self._number} is not JSON ({getattr(error, 'msg', error)})"
                raise InvalidInput("file", reason, _FIX) from error
            yield _row(self._number, value, self._format)

    def skip(self, lines: int) -> None:
        """Pass over lines that are known."""
        for _ in range(lines):
            self._next()

    def digest(self) -> str:
        """The digest of what was read."""
        return self._digest.hexdigest()

    def _next(self) -> bytes:
        line = self._file.readline(_LONGEST_LINE)
        if len(line) == _LONGEST_LINE:
            raise InvalidInput("file", f"line {self._number + 1} is no line of an export", _FIX)
        self._digest.update(line)
        self._number += bool(line)
        if self._progress is not None and self._number % _TOLD == 0:
            self._progress(self._number + self._total * self._again, 2 * self._total)
        return line


def _row(number: int, value: Any, format: str) -> dict[str, Any]:
    if not isinstance(value, dict) or ("format" in value) == ("table" in value) or (number == 1 and "table" in value):
        raise InvalidInput("file", f"line {number} is no row of an export", _FIX)
    if value.get("format", format) != format:
        raise InvalidInput("file", f"its format is {value['format']!r}, not {format!r}", "Upgrade DMHA to read it.")
    if "format" in value:
        world, zone = value.get("world"), value.get("zone")
        if not isinstance(world, str) or not re.fullmatch(r"(agent|world):[^\x00\ud800-\udfff]{1,256}", world):
            raise InvalidInput("file", f"line {number} names no world", _FIX)
        if not isinstance(zone, str) or zone not in available_timezones():
            raise InvalidInput("file", f"line {number} names no zone", _FIX)
    return value


def _written(line: dict[str, Any]) -> bytes:
    return json.dumps(line, ensure_ascii=False, sort_keys=True).encode() + b"\n"
