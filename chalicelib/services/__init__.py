"""The use cases, one module each. They get their dependencies, and know protocols only."""
