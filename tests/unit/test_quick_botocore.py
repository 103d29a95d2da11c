"""Sessions may share what botocore has read: each finds what it would find by itself."""

import json
from copy import copy
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.hooks import EventAliaser, HierarchicalEmitter
from botocore.loaders import Loader
from botocore.regions import EndpointResolver
from botocore.session import Session
from moto.core.loaders import create_loader

from tests import quick_botocore

SERVICES = ("cloudformation", "dynamodb", "events", "s3", "sns", "sqs", "sts")
REGIONS = ("us-east-1", "eu-west-1", "cn-north-1", "us-gov-west-1", "eu-west-1")


def found(service: str, region: str) -> list[object]:
    """List what a session of its own finds of a service: its address and its whole description."""
    session: Any = boto3.session.Session()
    client = session.client(service, region_name=region)
    data = Session().get_component("data_loader").load_data("endpoints")
    endpoint = EndpointResolver(data).construct_endpoint(service, region)
    description = json.dumps(client.meta.service_model._service_description, sort_keys=True)
    return [client.meta.endpoint_url, endpoint, description]


@pytest.mark.parametrize("service", SERVICES)
def test_a_session_finds_in_what_is_shared_what_it_would_read_itself(service: str) -> None:
    shared = [found(service, region) for region in REGIONS]

    quick_botocore.PATCH.undo()
    try:
        read = [found(service, region) for region in REGIONS]
    finally:
        quick_botocore.pytest_configure()

    assert shared == read


def test_a_description_is_read_once_but_for_a_users_own(tmp_path: Path) -> None:
    (tmp_path / "own.json").write_text("{}", encoding="utf-8")
    own, of_botocore = str(tmp_path / "own"), str(Path(Loader.BUILTIN_DATA_PATH) / "partitions")

    def read(path: str) -> Any:
        return Loader().file_loader.load_file(path)

    assert read(of_botocore) is read(of_botocore)
    assert read(own) is not read(own)


def test_moto_adds_to_descriptions_of_its_own() -> None:
    """It gives SQS's errors the names that they have on the wire."""
    described = json.dumps(create_loader().load_service_model("sqs", "service-2"))

    assert "AWS.SimpleQueueService." in described
    assert "AWS.SimpleQueueService." not in str(found("sqs", "eu-west-1"))


def test_emitters_share_the_names_of_events_but_for_aliases_of_ones_own() -> None:
    event = "before-parameter-build.autoscaling.CreateLaunchConfiguration"

    own: Any = EventAliaser(HierarchicalEmitter(), event_aliases={"autoscaling": "mine"})
    session: Any = EventAliaser(HierarchicalEmitter())
    shared = [session, copy(session)]

    names = [vars(each)["_alias_name_cache"] for each in (*shared, own)]
    assert names[0] is names[1] is not names[2]
    assert shared[0]._alias_event_name(event) == event.replace("autoscaling", "auto-scaling")
    assert own._alias_event_name(event) == event.replace("autoscaling", "mine")
