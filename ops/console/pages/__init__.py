"""The console's pages: one module each, with a `show` that builds it for a view."""
