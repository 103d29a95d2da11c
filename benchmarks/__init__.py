"""Benchmarks: this system beside what people use, all over the same fake AWS. `make bench`."""
