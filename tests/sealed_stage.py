"""A stage with sealed days over moto in this process, and ways to tamper with it."""

import itertools
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any, cast

import boto3
from moto import mock_aws

from chalicelib.aws.s3 import OrderArchive
from chalicelib.aws.seal_store import SealStore
from chalicelib.orders.record import Record
from chalicelib.services.chain import Chain
from chalicelib.services.sealing import Sealing
from ops.desk.desk import Desk
from ops.desk.order_bucket import OrderBucket
from ops.desk.seal_findings import SealCounts, SealFinding
from ops.desk.seal_items import VerifiedItems
from ops.desk.seal_keys import PublicKey
from ops.desk.seals import Seals
from ops.desk.stage import Stage
from ops.stage_names import LOCAL_STAGE
from tests.builders import Clock, order_text, submission
from tests.full_stage import TextStage
from tests.made_proofs import KEY, SigningKey
from tests.resources import create_resources

FIRST, SECOND, THIRD = (date(2026, 3, day) for day in (1, 2, 3))
DAYS = (FIRST, SECOND, THIRD)
_numbers = itertools.count(1)
Kept = tuple[list[dict[str, Any]], dict[str, bytes]]


class SealedStage:
    """A stage of three days, each with two accepted orders, a rejected one, and an audit entry."""

    def __init__(self, days: Iterable[date] = DAYS, key: SigningKey = KEY) -> None:
        session = boto3.Session()
        environment = create_resources(f"sealed{next(_numbers)}")
        self.stage = cast("Stage", TextStage(LOCAL_STAGE, environment, session))
        self.clock = Clock(datetime(2026, 3, 1, tzinfo=UTC))
        self.desk = Desk(self.stage, clock=self.clock)
        self.table, self.bucket = self.stage.settings.table, self.stage.settings.bucket
        self.store = SealStore(self.stage.s3, self.bucket)
        self.key = key
        self._kept: Kept | None = None
        for day in days:
            self.fill(day)
        self.seal()

    def fill(self, day: date) -> None:
        """Hand in the orders of a day, and write an entry of the audit trail."""
        for number, amount in enumerate((10, 20, "none")):
            self.record(f"order-{day:%d}-{number}", day, amount=amount)
        self.clock.now = at(day, 13)
        self.desk.audit_trail.write("dlq.discard", why="a test", order=f"order-{day:%d}-2")

    def record(self, order_id: str, day: date, hour: int = 12, **terms: Any) -> Record:
        handed_in = submission(order_text(order_id, **terms), received_at=at(day, hour))
        if handed_in.order.valid:
            OrderArchive(self.stage.s3, self.bucket).keep(handed_in)
        record = Record.of_first(handed_in, at(day, hour))
        assert self.desk.records.take(record) is None
        return record

    def seal(self, *, upto: date | None = None, key: SigningKey | None = None) -> None:
        """Seal all days that have something."""
        self.clock.now = at((upto or THIRD) + timedelta(days=1), 1)
        sealing = Sealing(
            self.items,
            Chain(self.store),
            key or self.key,
            stage=self.stage.settings.stage,
            clock=self.clock,
        )
        list(sealing.seal(sealing.unsealed_days()))

    @property
    def items(self) -> VerifiedItems:
        settings = self.stage.settings
        table = self.desk.table(self.table)
        return VerifiedItems(self.stage.dynamodb, table, settings.audit_shards)

    def seals(self, key: SigningKey | None = None) -> Seals:
        """Open the seals; the stage says that they are signed with this key."""
        pem = (key or self.key).pem.encode()
        bucket = OrderBucket(self.stage.s3, self.bucket)
        own = PublicKey.from_pem(pem)
        return Seals(self.store, self.items, bucket, lambda: own, self.stage.settings.stage)

    def findings(
        self, *days: date, key: SigningKey | None = None, **options: Any
    ) -> list[SealFinding]:
        first, last = (*days, None, None)[:2]
        run = self.seals(key).run(first, last)
        return list(run.findings(SealCounts(), **options))

    @contextmanager
    def left_as_it_was(self) -> Iterator[None]:
        """Restore at the end of a `with` block what the table and the bucket held at the first."""
        if self._kept is None:
            self._kept = self.kept()
        yield
        self.restore(self._kept)

    def kept(self) -> Kept:
        """Read all that the table and the bucket hold."""
        items: Any = self.stage.dynamodb.scan(TableName=self.table)["Items"]
        listed = self.stage.s3.list_objects_v2(Bucket=self.bucket).get("Contents", [])
        return items, {each["Key"]: self.object(each["Key"]) for each in listed}

    def restore(self, kept: Kept) -> None:
        """Make table and bucket hold what they held."""
        (items, objects), (items_now, objects_now) = kept, self.kept()
        for item in items_now:
            if item not in items:
                self.delete(item)
        for item in items:
            if item not in items_now:
                self.put(item)
        for key in objects_now.keys() - objects.keys():
            self.delete_object(key)
        deleted = self.deleted()
        for key, content in objects.items():
            if objects_now.get(key) != content or key in deleted:
                self.put_object(key, content)

    def item(self, order_id: str) -> dict[str, Any]:
        answer: Any = self.stage.dynamodb.get_item(
            TableName=self.table, Key={"orderId": {"S": order_id}, "recordId": {"S": "0#FIRST"}}
        )
        item: dict[str, Any] = answer["Item"]
        return item

    def entry(self, day: date) -> dict[str, Any]:
        (item,) = self.desk.table(self.table).newest_of(f"#audit/{day}")
        return item

    def put(self, item: dict[str, Any]) -> None:
        """Put an item behind everybody's back."""
        self.stage.dynamodb.put_item(TableName=self.table, Item=item)

    def delete(self, item: dict[str, Any]) -> None:
        key = {name: item[name] for name in ("orderId", "recordId")}
        self.stage.dynamodb.delete_item(TableName=self.table, Key=key)

    def object(self, key: str) -> bytes:
        answer = self.stage.s3.get_object(Bucket=self.bucket, Key=key)
        return answer["Body"].read()

    def put_object(self, key: str, content: bytes) -> None:
        """Put an object in the place of another, and leave no trace of that."""
        self.delete_object(key)
        self.stage.s3.put_object(Bucket=self.bucket, Key=key, Body=content)

    def delete_object(self, key: str) -> None:
        """Delete an object with all of its versions."""
        answer = self.stage.s3.list_object_versions(Bucket=self.bucket, Prefix=key)
        for each in answer.get("Versions", []) + answer.get("DeleteMarkers", []):
            self.stage.s3.delete_object(
                Bucket=self.bucket, Key=each["Key"], VersionId=each["VersionId"]
            )

    def deleted(self) -> set[str]:
        """List the keys of which there are traces of a deletion, or of another content."""
        answer = self.stage.s3.list_object_versions(Bucket=self.bucket)
        versions = Counter(each["Key"] for each in answer.get("Versions", []))
        marked = {each["Key"] for each in answer.get("DeleteMarkers", [])}
        return marked | {key for key, count in versions.items() if count > 1}

    def put_marker(self, key: str) -> None:
        """Delete an object as most do, which keeps its versions."""
        self.stage.s3.delete_object(Bucket=self.bucket, Key=key)

    def seal_objects(self, day: date) -> list[str]:
        """List the keys of the objects of a day's seal: its lists of leaves first."""
        answer = self.stage.s3.list_objects_v2(Bucket=self.bucket, Prefix=f"seals/{day}/")
        return sorted((each["Key"] for each in answer["Contents"]), key=lambda it: "seal.j" in it)


def at(day: date, hour: int) -> datetime:
    return datetime(day.year, day.month, day.day, hour, tzinfo=UTC)


@contextmanager
def sealed_stage(**options: Any) -> Iterator[SealedStage]:
    with mock_aws(config={"core": {"mock_credentials": False}}):
        yield SealedStage(**options)
