"""DMHA beside the libraries that people use for this today: `python -m benchmarks.rivals`."""
