"""Coroutines in a test."""

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

Found = TypeVar("Found")


def run_apart(coroutine: Coroutine[Any, Any, Found]) -> Found:
    """Run a coroutine in a thread: Playwright keeps a loop of its own running in this one."""
    with ThreadPoolExecutor(1) as executor:
        return executor.submit(asyncio.run, coroutine).result()
