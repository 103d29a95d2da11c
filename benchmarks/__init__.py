"""Benchmarks: this system beside usual designs, all over the same fake AWS. `make bench`."""
