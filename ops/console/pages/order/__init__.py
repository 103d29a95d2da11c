"""One order: every submission of it, how they differ, and its JSON."""
