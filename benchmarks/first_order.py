"""
Start cold, as a process: import a contender, process one order, end.

    python -m benchmarks.first_order MODULE

When the import is done it prints the CPU time of the process so far, in seconds. Then it takes
events from its standard input, one a line, and prints another line when one is processed.
"""

import importlib
import json
import os
import sys
import time

from benchmarks.context import Context

if __name__ == "__main__":
    answers = os.dup(1)
    os.dup2(2 if "BENCH_DEBUG" in os.environ else os.open(os.devnull, os.O_WRONLY), 1)
    process = importlib.import_module(sys.argv[1]).process
    os.write(answers, f"{time.process_time()}\n".encode())
    for line in sys.stdin:
        failures = process(json.loads(line), Context())
        if failures and failures["batchItemFailures"]:
            sys.exit(1)
        os.write(answers, b"processed\n")
    # Lambda doesn't tear a process down between calls: its end is no part of the start.
    os._exit(0)
