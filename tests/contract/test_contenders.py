"""
The contenders of the benchmarks do the same job: the fake AWS counts their verdicts.

`make bench` counts them in each turn. Those over aiobotocore run only there, in its environment.
"""

import time
from datetime import UTC, datetime
from hashlib import sha256

import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from benchmarks.contender import Run
from benchmarks.contenders.hand_archive import Access, HandArchive
from benchmarks.events import Mix
from benchmarks.lineup import BASELINE, BATCH, BY_HAND, LINEUP, OURS, OVER_BOTO3
from benchmarks.processes import Contender, FakeAws, environment

HERE = (BASELINE, BATCH, OVER_BOTO3, OURS, BY_HAND)
NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize("name", HERE)
def test_a_contender_gives_each_order_its_verdict(name: str) -> None:
    entrant = LINEUP[name]
    with (
        FakeAws(at_once=True) as aws,
        Contender(entrant.module, environment(aws.url, **entrant.variables)) as contender,
    ):
        for mix in Mix:
            outcome = contender.perform(Run(f"{mix.name}", mix, 10, batches=4))

            assert outcome.orders == 40
            assert sum(aws.tally_of(40, mix)["verdicts"].values()) == 40


def test_a_turn_that_gives_other_verdicts_is_refused() -> None:
    """A benchmark of something else would be worth nothing."""
    with FakeAws(at_once=True) as aws, Contender(OURS, environment(aws.url)) as contender:
        contender.perform(Run("one", Mix.DUPLICATES, 10))

        with pytest.raises(RuntimeError, match="10 orders, all valid"):
            aws.tally_of(10, Mix.VALID)


def test_the_floor_signs_its_puts_as_botocore_does() -> None:
    body, key = b'{"id": "one"}', "orders/one/m 1#~.json"
    digest = sha256(body).hexdigest()
    access = Access("AKIDEXAMPLE", "secret", "eu-west-1")
    archive = HandArchive("http://127.0.0.1:9000", "orders", access, NOW.timetuple)

    head = archive.head(key, len(body), digest).decode()
    first, *lines = head.removesuffix("\r\n\r\n").split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    mine = headers.pop("authorization")
    _, path, _ = first.split(" ")

    signed = {name: headers[name] for name in headers if name != "content-length"}
    request = AWSRequest("PUT", f"http://127.0.0.1:9000{path}", headers=signed, data=body)
    request.context["timestamp"] = headers["x-amz-date"]
    auth = S3SigV4Auth(Credentials(access.key_id, access.secret), "s3", access.region)
    theirs = auth.signature(auth.string_to_sign(request, auth.canonical_request(request)), request)
    assert mine.endswith(f"Signature={theirs}")
    assert time.strptime(headers["x-amz-date"], "%Y%m%dT%H%M%SZ")[:6] == NOW.timetuple()[:6]
