"""Checks that a user runs against a real stage: they show there what no single machine can."""
