"""
Start cold, as the API's process: import an app, then answer requests.

    python -m benchmarks.first_request MODULE

When the import is done it prints the CPU time of the process so far, in seconds. Then it takes
lines from its standard input: an event, and how often to answer it. When the last answer is there
it prints its status and the CPU time again.
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
    app = importlib.import_module(sys.argv[1]).app
    os.write(answers, f"{time.process_time()}\n".encode())
    for line in sys.stdin:
        given = json.loads(line)
        for _ in range(given["times"]):
            answer = app(given["event"], Context())
        os.write(answers, f"{answer['statusCode']} {time.process_time()}\n".encode())
    # Lambda doesn't tear a process down between calls: its end is no part of the start.
    os._exit(0)
