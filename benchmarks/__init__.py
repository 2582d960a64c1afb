"""Measurements that the documentation quotes, each run as `python -m benchmarks.NAME`; none of them fails a test."""
