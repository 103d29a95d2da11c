"""
Real faults: the system of `make run` with a proxy that fails, and processes that are killed.

    make chaos                                    # 5,000 orders, a few minutes
    python -m tests.chaos --orders 300 --seed 7   # shorter, and other orders, faults and kills
"""
