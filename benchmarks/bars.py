"""Every bar of the parts done so far, one after another: `make bench`. It prints figures and judges nothing.

The LoCoMo figures need the data: give its folder in DMHA_DATA (default ../shared/data); without it they are left out,
and it says so.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

DATA = Path(os.environ.get("DMHA_DATA", "../shared/data")) / "locomo" / "locomo_dev.json"

BARS = (
    ("import dmha <= 0.3 s", ["-m", "benchmarks.import_time"]),
    ("default install < 400 MB, no torch", ["-m", "benchmarks.install_size"]),
    ("one question <= 4 ms; >= 180 turns/s; cosine >= 0.985; alone = among", ["-m", "benchmarks.embedding"]),
    ("1,000,000 tokens, budget 4,000: never over, p95 <= 150 ms", ["-m", "benchmarks.long_history"]),
    (
        "search: 10,000 <= 5 ms, 100,000 <= 25 ms, their first <= 3 s; tenants of 1,000: warm <= 2, cold <= 15 ms",
        ["-m", "benchmarks.search_speed", "--sizes", "1000,10000,100000", "--tenants", "100"],
    ),
    ("locomo_dev recall@10 >= 0.62", ["-m", "dmha.cli.app", "bench", "locomo", "--data", str(DATA)]),
)


def main() -> None:
    for bar, command in BARS:
        print(f"\n== {bar}\n   python {' '.join(command)}", flush=True)
        if str(DATA) in command and not DATA.exists():
            print(f"   left out: no {DATA}; set DMHA_DATA to the folder that holds it")
            continue
        subprocess.run([sys.executable, *command], check=False)


if __name__ == "__main__":
    main()
