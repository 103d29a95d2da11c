"""Overview: is all well, in one line; then how much, how fast, and what waits."""
