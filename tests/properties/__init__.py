"""Properties that hold for any input, and for any long run of the system."""
