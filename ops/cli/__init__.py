"""The commands of `python -m ops`, one module per group."""
