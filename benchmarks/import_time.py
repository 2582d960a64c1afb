"""`import dmha` in a fresh interpreter, warm: the median of ten, less the interpreter's own start.

Usage: python -m benchmarks.import_time
"""

from __future__ import annotations

import subprocess
import sys
from statistics import median

_TIMED = "from time import perf_counter as now; began = now(); import dmha; print(now() - began)"


def seconds() -> float:
    """The median of ten imports after one that warms the file cache."""
    runs = [subprocess.run([sys.executable, "-c", _TIMED], capture_output=True, check=True) for _ in range(11)]
    return median(float(run.stdout) for run in runs[1:])


if __name__ == "__main__":
    print(f"import dmha: {seconds() * 1_000:.0f} ms, median of 10")
