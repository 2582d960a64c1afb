"""A process that takes a job and goes no further: it is there to be killed."""

from __future__ import annotations

import threading

from herd import Tell
from stubs import ManualClock, StubEmbedder

import dmha
from dmha.tasks import JobKind, Task


def stand_still(tell: Tell, path: str) -> None:
    """Run the job that waits, say how far it is, and stay there."""

    def run(task: Task) -> bool:
        task.result["slices"] = 1
        tell({"did": "begin", "uid": task.job.uid, "holder": scheduler.holder})
        threading.Event().wait()
        return False

    with dmha.open(path, embedder=StubEmbedder(), chat="extractive", clock=ManualClock()) as mind:
        scheduler = mind.scheduler([JobKind("walk", run)])
        while scheduler.step():
            pass
