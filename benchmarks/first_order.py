"""
A cold start as a process: import a contender, process one order, end.

    python -m benchmarks.first_order MODULE < EVENT

It prints the CPU time of the process, in seconds, when the import was done.
"""

import importlib
import json
import os
import sys
import time


class Context:
    """What Lambda hands in beside the event, as far as Powertools looks at it."""

    function_name = "orders"
    memory_limit_in_mb = 512
    invoked_function_arn = "arn:aws:lambda:us-east-1:000000000000:function:orders"
    aws_request_id = "00000000-0000-4000-8000-000000000000"

    def get_remaining_time_in_millis(self) -> int:
        return 60_000


if __name__ == "__main__":
    answers = os.dup(1)
    os.dup2(2 if "BENCH_DEBUG" in os.environ else os.open(os.devnull, os.O_WRONLY), 1)
    process = importlib.import_module(sys.argv[1]).process
    initialised = time.process_time()
    failures = process(json.load(sys.stdin), Context())
    if failures and failures["batchItemFailures"]:
        sys.exit(1)
    os.write(answers, f"{initialised}".encode())
    # Lambda doesn't tear a process down between calls: its end is no part of the start.
    os._exit(0)
