"""
A stage's queues, bucket and table as infrastructure/resources.yaml has them, made by single calls.

For what can't read that template. Moto's CloudFormation refuses it: it knows no alarms, so what the
dashboard says of them refers to nothing. Others have no CloudFormation, or are a table alone.
"""

import json
from functools import cache
from typing import TYPE_CHECKING, Any

import boto3

from ops.lint.template import Template
from ops.project import PROJECT_ROOT, RESOURCES_TEMPLATE
from ops.stack_outputs import resource_variables

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient

Properties = dict[str, Any]

TABLE_PROPERTIES = (
    "KeySchema",
    "AttributeDefinitions",
    "GlobalSecondaryIndexes",
    "LocalSecondaryIndexes",
    "BillingMode",
)
# S3 doesn't let this region be named as a bucket's place.
UNNAMED_REGION = "us-east-1"


def create_resources(stage: str) -> dict[str, str]:
    """
    Create the resources of a stage under `mock_aws`. Return the app's variables that name them.

    Stages of different names have nothing in common. Nothing is made that moto only keeps and never
    acts on: policies, encryption, life cycle, alarms. To read an empty queue takes 20 seconds, as
    on AWS, unless the call says `WaitTimeSeconds=0`.
    """
    session = boto3.Session()
    account = session.client("sts").get_caller_identity()["Account"]
    resources = properties_of_resources(stage, account, session.region_name)
    queue, bucket, table = (resources[f"Orders{kind}"] for kind in ("Queue", "Bucket", "Table"))
    sqs = session.client("sqs")
    # First: the other queue names it, and moto looks.
    dead_letter_queue_url = create_queue(sqs, resources["OrdersDLQ"])
    outputs = {
        "QueueName": queue["QueueName"],
        "QueueUrl": create_queue(sqs, queue),
        "DeadLetterQueueUrl": dead_letter_queue_url,
        "BucketName": bucket["BucketName"],
        "TableName": table["TableName"],
    }
    create_bucket(session.client("s3"), bucket)
    create_table(session.client("dynamodb"), table["TableName"])
    return resource_variables(outputs)


def create_queue(client: "SQSClient", properties: Properties) -> str:
    """Create a queue of these properties of the template, and return its URL."""
    attributes: Any = {
        name: value if isinstance(value, str) else json.dumps(value)
        for name, value in properties.items()
        if name != "QueueName"
    }
    return client.create_queue(QueueName=properties["QueueName"], Attributes=attributes)["QueueUrl"]


def create_bucket(client: "S3Client", properties: Properties) -> None:
    """Create a bucket of these properties of the template, as far as emulators act on them."""
    name, region = properties["BucketName"], client.meta.region_name
    place: Any = {"CreateBucketConfiguration": {"LocationConstraint": region}}
    client.create_bucket(Bucket=name, **({} if region == UNNAMED_REGION else place))
    client.put_bucket_versioning(
        Bucket=name, VersioningConfiguration=properties["VersioningConfiguration"]
    )


def create_table(client: "DynamoDBClient", name: str, **changes: Any) -> None:
    """Create a table with the template's keys and indexes, but for the changed properties."""
    table = properties_of_resources()["OrdersTable"]
    wanted = {each: table[each] for each in TABLE_PROPERTIES} | changes
    client.create_table(TableName=name, **wanted)


@cache
def properties_of_resources(
    stage: str = "local", account: str = "000000000000", region: str = UNNAMED_REGION
) -> dict[str, Properties]:
    """Read what the template says of a stage's resources, by their logical ids."""
    place = {"AWS::AccountId": account, "AWS::Region": region}
    template = Template(PROJECT_ROOT / RESOURCES_TEMPLATE, Stage=stage, **place)
    return {name: resource["Properties"] for name, resource in template.resources.items()}
