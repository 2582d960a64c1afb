"""Measurements that the documentation quotes; each is run as `python -m benchmarks.NAME`. No figure here fails a test."""
