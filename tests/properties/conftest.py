"""How Hypothesis searches: the same examples in every run, unless HYPOTHESIS_PROFILE=thorough."""

import os

from hypothesis import settings

settings.register_profile("repeatable", derandomize=True, deadline=None, max_examples=200)
settings.register_profile("thorough", deadline=None, max_examples=5_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))
