"""
AWS's limits, held to in every test: no emulator enforces them, and AWS does.

A request that AWS would refuse never leaves its client. The client raises the error that AWS gives,
and the test fails even if the code under test swallows the error. A test that breaks a limit on
purpose says so: `with expected("RULE"):`.

`rules.RULES` is the table of all rules, each with AWS's page as its source. The layer reaches:

- every botocore client in the process of the tests, whoever makes it, also under `mock_aws`;
- what Powertools publishes as metrics and writes as log lines there;
- the same in each Python process that inherits PYTHONPATH from the tests: `python -m ops …` and
  its children (worker, API, console), `chalice …`, and the emulator with the packaged functions
  that its Lambda runs.

It does not reach: processes with a PYTHONPATH of their own, or with none (`python -I`, the emulator
that `make run` starts); clients in other languages; aiobotocore, which only the benchmarks use; and
the fakes and the simulation, which have no botocore client.

Where AWS answers a batch and refuses one of its entries, the layer refuses the whole call.
"""
