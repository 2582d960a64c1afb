"""The calls about whole lives and the file that holds them: in and out, copies, upkeep, the doctor, deletion."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from dmha.checks import check_name
from dmha.chores import chores
from dmha.diagnosis import Diagnosis, examine, mend
from dmha.errors import DmhaError
from dmha.faculties.perception import count
from dmha.ground import Ground
from dmha.jobs import Scheduler
from dmha.protocols import Also, Ledger, Progress, no_progress, nothing_else
from dmha.tasks import JobKind
from dmha.transfer import export_file, import_file
from dmha.upkeep import recount, reembed

_log = logging.getLogger("dmha")


class Keeping(Ground):
    """What a keeper of memories does with them, whatever they tell."""

    def export(
        self, path: str | Path, *, user_id: str, agent_id: str | None = None, progress: Progress = no_progress
    ) -> int:
        """Write a companion's own world (or the whole account) as lines of JSON; returns the number of lines.

        Interrupted, it goes on when it is run again, if nothing was written meanwhile.
        """
        check_name("user_id", user_id)
        world = None if agent_id is None else self._place(user_id, agent_id, None).world
        return export_file(self._truth, Path(path), user_id, world, progress)

    def import_(
        self,
        path: str | Path,
        *,
        user_id: str,
        agent_id: str | None = None,
        progress: Progress = no_progress,
        also: Also[int] = nothing_else,
    ) -> int:
        """Read an exported file into this account, all or nothing; returns the number of memories.

        With `agent_id`, the file's one companion takes that name. What is read appears at one moment, at the end;
        interrupted, it goes on when it is run again. Where the embedder is away then, words alone find it until the
        next opening, or the background work, has made its vectors.
        """
        check_name("user_id", user_id)
        if agent_id is not None:
            check_name("agent_id", agent_id)
        counting = partial(count, segmentation=self._segmentations.plain)
        now = self._now().timestamp()
        made = import_file(self._truth, Path(path), user_id, agent_id, counting, now, progress, also)
        try:
            recount(self._truth, self._segmentations, no_progress, user_id)  # what came with a dictionary of its own
            reembed(self._truth, self._perception, progress, user_id)
        except DmhaError as error:  # the import took effect: the next opening makes up for it, or the jobs do
            _log.warning("what was imported is found by its words alone for now: %s", error)
        return made

    def backup(self, path: str | Path, *, overwrite: bool = False, progress: Progress = no_progress) -> int:
        """Copy the whole file as it is now, while anybody writes; returns the copy's bytes. See `dmha.restore`."""
        return self._truth.backup(Path(path), overwrite=overwrite, progress=progress)

    def reembed(self, progress: Progress = no_progress) -> int:
        """Embed what has no vector of the present embedder; interrupted, it goes on where it stopped."""
        return reembed(self._truth, self._perception, progress)

    def recount(self, progress: Progress = no_progress) -> int:
        """Count the words of what other rules or cutters counted; interrupted, it goes on where it stopped."""
        return recount(self._truth, self._segmentations, progress)

    def scheduler(self, kinds: Sequence[JobKind] = ()) -> Scheduler:
        """Background work on this memory, these kinds beside what every one needs; close it before the mind."""
        needed = chores(self._truth, self._index, self._perception, self._segmentations, self._clock)
        return Scheduler(self._truth, [*needed, *kinds], self._clock)

    def index_size(self) -> tuple[int, int]:
        """How many worlds the index holds now, and its bytes."""
        return self._index.held()

    def diagnose(self) -> list[Diagnosis]:
        """What is well and what is not, each with what to do."""
        perception = self._perception
        return examine(self._truth, self._index, self._segmentations, perception.scripts, perception.embedder_id)

    def mend(self, progress: Progress = no_progress) -> list[Diagnosis]:
        """Set right what can be, a copy of the file kept first where rows go; what was done, each as it is now."""
        return mend(self._truth, self._index, self._segmentations, self.reembed, progress)

    def rebuild(self) -> None:
        """Let every index go; the next question makes it anew from the truth."""
        self._index.drop()

    def delete_all(self, *, user_id: str, agent_id: str | None = None, also: Also[None] = nothing_else) -> None:
        """Delete everything of a companion's own world; of the whole account where `agent_id` is None."""
        check_name("user_id", user_id)
        world = None if agent_id is None else self._place(user_id, agent_id, None).world

        def forget(ledger: Ledger) -> None:
            ledger.memories.forget_all(user_id, world)
            also(ledger, None)

        self._truth.write(forget)
