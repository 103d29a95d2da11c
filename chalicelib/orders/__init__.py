"""The domain: orders, their submissions, and the outcome of each. No I/O."""
