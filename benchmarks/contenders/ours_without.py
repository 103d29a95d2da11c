"""
Our system without one of its optimisations, or with one that was rejected: `BENCH_WITHOUT`.

So each one's worth is measured in the same run as the whole.
"""

# ruff: noqa: E402 (what is left out is left out before it is imported)

import gc
import os
from importlib import import_module
from typing import Any

WITHOUT = os.environ["BENCH_WITHOUT"]
if WITHOUT == "no collections":
    changed_gc: Any = gc
    changed_gc.disable = gc.enable
gc.disable()  # As app.py does, before anything is loaded.

from botocore.config import Config
from botocore.handlers import add_expect_header
from botocore.session import Session

from chalicelib import telemetry, wiring

CONFIGS: dict[str, dict[str, Any]] = {
    "validation": {"parameter_validation": True},
    "checksums": {
        "request_checksum_calculation": "when_supported",
        "response_checksum_validation": "when_supported",
    },
    "compression": {"disable_request_compression": True},
    "host prefix": {"inject_host_prefix": False},
    "pool": {"max_pool_connections": 10},
}
config = CONFIGS.get(WITHOUT, {})
wiring.CLIENT_CONFIG = wiring.CLIENT_CONFIG.merge(Config(**config))
changed: Any = wiring
if WITHOUT == "user agent":
    # Merging can't take it away.
    given = dict(changed.CLIENT_CONFIG._user_provided_options)  # noqa: SLF001
    del given["user_agent"]
    wiring.CLIENT_CONFIG = Config(**given)
if WITHOUT == "authorities":
    changed._parse_authorities_once = id  # noqa: SLF001 (it does nothing)
if WITHOUT == "contexts":
    changed._tls_contexts = dict  # noqa: SLF001
if WITHOUT == "statements":
    changed.STATEMENTS_PER_CALL = 1
if WITHOUT.endswith("threads"):
    wiring.MAX_WORKERS = int(WITHOUT.split()[0])
    wiring.CLIENT_CONFIG = wiring.CLIENT_CONFIG.merge(
        Config(max_pool_connections=wiring.MAX_WORKERS)
    )

if WITHOUT == "boto3":
    import boto3

    session = boto3.Session(botocore_session=wiring._session())  # noqa: SLF001
    changed._client = lambda service, config: session.client(service, config=config)  # noqa: SLF001
if WITHOUT == "handlers":
    changed._session = wiring._once(Session)  # noqa: SLF001

if WITHOUT == "metrics":
    from aws_lambda_powertools.metrics import EphemeralMetrics

    changed_telemetry: Any = telemetry.Telemetry
    changed_telemetry._metrics = property(  # noqa: SLF001
        lambda its: EphemeralMetrics(
            namespace=telemetry.METRICS_NAMESPACE,
            service=its._service,  # noqa: SLF001
        ),
        lambda _its, _made_once: None,
    )

from benchmarks.contenders.ours import process as ours

processor = wiring.processor()
if WITHOUT == "expect":
    client: Any = wiring.order_archive()._client  # noqa: SLF001
    client.meta.events.register_first("before-call.s3", add_expect_header)
if WITHOUT == "concurrency":
    processor._concurrently = map  # noqa: SLF001
if WITHOUT == "no api":
    import_module("chalicelib.api")
    import_module("chalicelib.web")
if WITHOUT == "lazy queue":
    wiring._queue_client()  # noqa: SLF001
if WITHOUT == "garbage":
    gc.collect()
    gc.freeze()

process = ours
