"""Benchmarks: public data sets through the public names, on the path that every caller takes; nothing else."""
