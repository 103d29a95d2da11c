"""Channels are who calls: what each caller may hand in, and what it gets to read."""

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from chalicelib.http.requests import BODY_TYPES
from tests.application import FakeApplication, load_app
from tests.builders import Clock, gateway_event, lines_event, order_text, sqs_event, sqs_record
from tests.http.conftest import Api, running
from tests.http.documented import has_documented_members

ACCOUNT = "111122223333"
ROLE = f"arn:aws:iam::{ACCOUNT}:role"
CALLED = f"arn:aws:sts::{ACCOUNT}:assumed-role"
WEB, MOBILE = f"{CALLED}/orders-web/i-1", f"{CALLED}/orders-mobile/i-1"
READER = f"{CALLED}/audit/ana"
BOTH = f"{CALLED}/desk/ana"
STRANGER = f"{CALLED}/stranger/i-1"
TABLE = (
    f"web={ROLE}/orders-web mobile={ROLE}/apps/orders-mobile atm={ROLE}/desk"
    f" reader={ROLE}/audit reader={ROLE}/desk"
)
UNKNOWN = [
    STRANGER,
    None,
    "",
    f"arn:aws-cn:sts::{ACCOUNT}:assumed-role/orders-web/i-1",
    "arn:aws:sts::999988887777:assumed-role/orders-web/i-1",
    f"arn:aws:iam::{ACCOUNT}:user/orders-web",
    f"arn:aws:iam::{ACCOUNT}:root",
    "nonsense",
]


@pytest.fixture
def api() -> Iterator[Api]:
    with running(ORDERS_PRINCIPALS=TABLE) as api:
        yield api


def called(
    api: Api, arn: str | None, method: str, path: str, body: str | None = None, **headers: str
) -> tuple[int, Any, dict[str, str]]:
    """Call a route as API Gateway does for a caller, and return status, body and headers."""
    route, resource, parameters = _routed(path.partition("?")[0])
    query: dict[str, list[str]] = {}
    for pair in filter(None, path.partition("?")[2].split("&")):
        name, _, value = pair.partition("=")
        query.setdefault(name, []).append(value)
    event = gateway_event(
        method, route, resource=resource, body=body, query=query, identity={"userArn": arn}
    )
    event["pathParameters"] = parameters
    event["requestContext"]["resourcePath"] = resource
    event["headers"] |= headers
    answer = api.invoke(event)
    body_seen = json.loads(answer["body"])
    assert has_documented_members(method, route, answer["statusCode"], body_seen)
    return answer["statusCode"], body_seen, _headers(answer)


def _headers(answer: dict[str, Any]) -> dict[str, str]:
    given = {name.lower(): value for name, value in answer["headers"].items()}
    return {name: value for name, value in given.items() if name != "x-request-id"}


def _routed(path: str) -> tuple[str, str, dict[str, str] | None]:
    parts = path.strip("/").split("/")
    match parts:
        case ["orders", order_id]:
            return path, "/orders/{order_id}", {"order_id": order_id}
        case ["orders", order_id, "submissions", submission_id]:
            return (
                path,
                "/orders/{order_id}/submissions/{submission_id}",
                {"order_id": order_id, "submission_id": submission_id},
            )
        case _:
            return path, path, None


def post(api: Api, arn: str | None, body: str, path: str = "/orders") -> tuple[int, Any]:
    status, answer, _ = called(api, arn, "POST", path, body)
    return status, answer


def post_lines(api: Api, arn: str | None, lines: str, **query: list[str]) -> tuple[int, Any]:
    answer = api.invoke(
        lines_event(lines.encode(), identity={"userArn": arn})
        | {"multiValueQueryStringParameters": query}
    )
    body = json.loads(answer["body"])
    assert has_documented_members("POST", "/order-batches", answer["statusCode"], body)
    return answer["statusCode"], body


def get(api: Api, arn: str | None, path: str) -> tuple[int, Any]:
    status, answer, _ = called(api, arn, "GET", path)
    return status, answer


def hand_in(api: Api, arn: str, **changes: Any) -> dict[str, Any]:
    """Hand an order in as a caller, and let it be processed."""
    status, receipt = post(api, arn, order_text(**changes))
    assert status == 202
    api.process_queue()
    return dict(receipt)


def put_on_queue(api: Api, channel: str, submission_id: str, **changes: Any) -> None:
    """Put an order on the queue as a channel's own sender does."""
    text = order_text(**changes)
    api.process(sqs_event(sqs_record(text, submissionId=submission_id, channel=channel)))


# Handing in.


@pytest.mark.parametrize("arn", UNKNOWN)
@pytest.mark.parametrize("path", ["/orders", "/orders?dryRun=true", "/orders?dryRun=maybe"])
@pytest.mark.parametrize("body", [order_text(), order_text(channel="web"), "no JSON", "", "[1]"])
def test_a_caller_of_no_channel_hands_nothing_in(
    api: Api, arn: str | None, path: str, body: str
) -> None:
    """Nothing of the request is read before: the answer tells nothing of it."""
    status, answer = post(api, arn, body, path)

    assert (status, answer["type"]) == (403, "urn:orders:problem:caller-unknown")
    assert api.queue.sent == []


def test_a_reader_hands_nothing_in(api: Api) -> None:
    status, answer = post(api, READER, order_text())

    assert (status, answer["type"]) == (403, "urn:orders:problem:caller-unknown")
    assert "may read" in answer["detail"]
    assert api.queue.sent == []


def test_a_refused_caller_is_told_as_whom_it_called_and_an_unsigned_one_that_it_is(
    api: Api,
) -> None:
    assert f'"{CALLED}/stranger"' in post(api, STRANGER, order_text())[1]["detail"]
    assert "is not signed" in post(api, None, order_text())[1]["detail"]


@pytest.mark.parametrize("path", ["/orders", "/orders?dryRun=true"])
@pytest.mark.parametrize("valid", [True, False])
def test_an_order_that_names_another_channel_is_refused(api: Api, path: str, valid: bool) -> None:
    body = order_text(channel="mobile", amount=1 if valid else 0)

    status, answer = post(api, WEB, body, path)

    assert (status, answer["type"]) == (403, "urn:orders:problem:channel-not-yours")
    assert '"web"' in answer["detail"]
    assert api.queue.sent == []


@pytest.mark.parametrize(
    ("channel", "attribute", "recorded"),
    [
        # As the body has it: what it has, the attribute beside it, and its verdict.
        ("web", None, "ACCEPTED"),
        (None, "web", "ACCEPTED"),
        ("null", "web", "ACCEPTED"),
        ("WEB", "web", "REJECTED"),
        ("branch", "web", "REJECTED"),
        ("", "web", "REJECTED"),
        (7, "web", "REJECTED"),
        (True, "web", "REJECTED"),
        (["mobile"], "web", "REJECTED"),
        ({"is": "mobile"}, "web", "REJECTED"),
        ("mobile ", "web", "REJECTED"),
    ],
)
def test_a_record_is_the_callers_channels_whatever_the_body_says(
    api: Api, channel: Any, attribute: str | None, recorded: str
) -> None:
    body = order_text(channel=channel)
    if channel == "null":
        body = body.replace('"null"', "null")

    status, receipt = post(api, WEB, body)

    assert (status, receipt["valid"]) == (202, recorded == "ACCEPTED")
    assert api.queue.sent[0].attributes.get("channel") == attribute
    api.process_queue()
    (record,) = api.records.all()
    assert (record.status, record.channel) == (recorded, "web")
    status, answer = get(api, WEB, "/orders/order-001")
    assert (status, answer["order"]["status"]) == (200, recorded)
    assert get(api, MOBILE, "/orders/order-001")[0] == 404


def test_a_caller_may_be_a_channel_and_a_reader(api: Api) -> None:
    hand_in(api, WEB)

    assert post(api, BOTH, order_text("mine"))[0] == 202
    assert post(api, BOTH, order_text("mine", channel="web"))[0] == 403
    assert get(api, BOTH, "/orders/order-001")[0] == 200
    assert get(api, BOTH, "/orders?channel=web")[0] == 200


def test_the_session_of_a_role_makes_no_other_caller(api: Api) -> None:
    hand_in(api, WEB)

    assert get(api, WEB.replace("i-1", "i-2"), "/orders/order-001")[0] == 200


def test_a_refusal_is_logged_with_the_caller_and_without_the_session(
    api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "orders"):
        post(api, STRANGER, order_text())
        post(api, WEB, order_text(channel="atm"))

    lines = [vars(record) for record in caplog.records]
    assert [(line["problem"], line["caller"]) for line in lines] == [
        ("caller-unknown", f"{CALLED}/stranger"),
        ("channel-not-yours", f"{CALLED}/orders-web"),
    ]


# Reading.

READS = [
    "/orders",
    "/orders?limit=x",
    "/orders?channel=web",
    "/orders/order-001",
    "/orders/order-001?cursor=x",
    "/orders/order-001/submissions/id-1",
    "/orders/order-001/submissions/id-1?wait=10",
    "/orders/.../submissions/id-1",
]


@pytest.mark.parametrize("arn", UNKNOWN)
@pytest.mark.parametrize("path", READS)
def test_a_caller_who_is_in_no_entry_reads_nothing(api: Api, arn: str | None, path: str) -> None:
    hand_in(api, WEB)

    status, answer = get(api, arn, path)

    assert (status, answer["type"]) == (403, "urn:orders:problem:caller-unknown")


@pytest.mark.parametrize("arn", [None, STRANGER, WEB, READER])
@pytest.mark.parametrize("path", ["/health", "/openapi.json", "/asyncapi.json"])
def test_what_is_open_to_anyone_stays_so(api: Api, arn: str | None, path: str) -> None:
    assert get(api, arn, path)[0] == 200


@pytest.mark.parametrize("route", ["/orders/{}", "/orders/{}/submissions/id-1"])
@pytest.mark.parametrize("foreign", ["accepted", "rejected", "unreadable"])
def test_a_foreign_order_is_as_an_unknown_one(api: Api, route: str, foreign: str) -> None:
    if foreign == "unreadable":
        keys = {"orderId": {"S": "order-001"}, "recordId": {"S": "0#FIRST"}}
        api.records.put_by_hand({**keys, "messageChannel": {"S": "web"}})
    else:
        hand_in(api, MOBILE, amount=1 if foreign == "accepted" else 0)

    seen = called(api, WEB, "GET", route.format("order-001"))

    status, unknown, headers = called(api, WEB, "GET", route.format("order-999"))
    assert status == 404
    assert seen == (404, json.loads(json.dumps(unknown).replace("order-999", "order-001")), headers)


def test_a_channel_learns_of_a_foreign_order_that_its_id_is_taken_and_what_differs(
    api: Api,
) -> None:
    theirs = hand_in(api, MOBILE, amount=1234567)
    api.clock.advance(seconds=5)
    mine = hand_in(api, WEB, amount=7, fromAccount="5555555")

    status, answer = get(api, WEB, "/orders/order-001")

    assert status == 200
    assert (answer["order"]["status"], answer["order"]["isDuplicate"]) == ("DUPLICATE", True)
    assert answer["order"]["differs"] == ["amount", "fromAccount"]
    assert answer["records"] == [answer["order"]]
    assert (answer["cursor"], answer["unreadable"]) == (None, [])
    assert mine["submissionId"] in answer["s3Url"]
    text = json.dumps(answer)
    assert "1234567" not in text
    assert theirs["payloadSha256"] not in text
    assert "12:00:00" not in text


def test_a_channel_sees_its_accepted_correction_of_anothers_rejected_order(api: Api) -> None:
    hand_in(api, MOBILE, amount=0)
    hand_in(api, WEB)

    _, answer = get(api, WEB, "/orders/order-001")

    assert (answer["order"]["status"], len(answer["records"])) == ("ACCEPTED", 1)
    assert get(api, MOBILE, "/orders/order-001")[1]["order"]["status"] == "REJECTED"


def test_a_reader_reads_everything(api: Api) -> None:
    theirs = hand_in(api, MOBILE)
    hand_in(api, WEB, amount=7)

    _, answer = get(api, READER, "/orders/order-001")

    assert [record["messageChannel"] for record in answer["records"]] == ["mobile", "web"]
    assert get(api, READER, theirs["submissionUrl"].removeprefix("/dev"))[0] == 200
    assert len(get(api, READER, "/orders")[1]["records"]) == 2


@pytest.mark.parametrize("query", ["", "?payloadSha256={hash}", "?payloadSha256={hash}&wait=1"])
def test_a_submission_is_read_by_its_own_channel_only(api: Api, query: str) -> None:
    receipt = hand_in(api, MOBILE)
    path = f"/orders/order-001/submissions/{receipt['submissionId']}"
    path += query.format(hash=receipt["payloadSha256"])
    if "wait" in query:
        # Nobody waits in a test.
        vars(api.application)["waiting_room"] = _NoWaiting()

    assert get(api, MOBILE, path)[0] == 200
    status, answer = get(api, WEB, path)
    assert (status, answer["type"]) == (404, "urn:orders:problem:submission-not-found")


class _NoWaiting:
    def ask(self, read: Any, **_: Any) -> Any:
        return read()


def test_an_ambiguous_id_lists_ones_own_payloads_only(api: Api) -> None:
    put_on_queue(api, "mobile", "s-1", amount=1)
    put_on_queue(api, "web", "s-1", amount=2)
    path = "/orders/order-001/submissions/s-1"

    status, answer = get(api, WEB, path)
    assert (status, answer["submission"]["amount"]) == (200, 2)

    put_on_queue(api, "web", "s-1", amount=3)
    status, answer = get(api, WEB, path)
    assert (status, len(answer["payloadSha256"])) == (409, 2)
    assert len(get(api, READER, path)[1]["payloadSha256"]) == 3


def test_a_list_shows_a_channel_its_own_records(api: Api) -> None:
    for number in range(6):
        hand_in(api, WEB if number % 2 else MOBILE, order_id=f"order-{number}")
    api.records.put_by_hand(
        api.records.items()[0] | {"orderId": {"S": "odd"}, "terms": {"S": "none"}}
    )
    mine = ["order-5", "order-3", "order-1"]

    for path in "/orders", "/orders?channel=web":
        status, answer = get(api, WEB, path)
        assert status == 200
        assert [record["orderId"] for record in answer["records"]] == mine
        assert answer["unreadable"] == []

    status, answer = get(api, WEB, "/orders?channel=mobile")
    assert (status, answer["type"]) == (403, "urn:orders:problem:channel-not-yours")


def test_a_list_of_a_channel_is_paged_to_its_end(api: Api) -> None:
    for number in range(7):
        hand_in(api, WEB if number % 3 else MOBILE, order_id=f"order-{number}")
    seen, path = [], "/orders?limit=1"
    while True:
        _, answer = get(api, WEB, path)
        seen += [record["orderId"] for record in answer["records"]]
        if answer["cursor"] is None:
            break
        path = f"/orders?limit=1&cursor={answer['cursor']}"

    assert seen == ["order-5", "order-4", "order-2", "order-1"]


def test_without_a_table_every_caller_does_what_it_may_by_iam() -> None:
    with running() as open_api:
        for arn in (WEB, None):
            assert post(open_api, arn, order_text(channel="mobile"))[0] == 202
        assert "channel" not in open_api.queue.sent[0].attributes
        open_api.process_queue()
        assert get(open_api, STRANGER, "/orders/order-001")[0] == 200


@pytest.mark.parametrize("path", ["/orders", "/orders/order-001"])
def test_a_bad_table_opens_nothing(path: str) -> None:
    with running(ORDERS_PRINCIPALS="web=orders-web") as broken:
        status, answer = get(broken, WEB, path)

        assert (status, answer["type"]) == (500, "urn:orders:problem:internal-error")
        assert post(broken, WEB, order_text())[0] == 500
        assert broken.queue.sent == []
        assert get(broken, None, "/health")[0] == 200


# X-Local-Principal.


@pytest.mark.parametrize(
    ("variables", "believed"),
    [
        ({"AWS_CHALICE_CLI_MODE": "true", "ORDERS_AUTH": "none"}, True),
        ({"AWS_CHALICE_CLI_MODE": "true", "ORDERS_AUTH": "iam"}, False),
        ({"AWS_CHALICE_CLI_MODE": "true"}, False),
        ({"ORDERS_AUTH": "none"}, False),
        ({"ORDERS_AUTH": "iam"}, False),
        (
            {
                "AWS_CHALICE_CLI_MODE": "true",
                "ORDERS_AUTH": "none",
                "AWS_LAMBDA_FUNCTION_NAME": "orders-dev",
            },
            False,
        ),
    ],
)
@pytest.mark.parametrize("header", ["X-Local-Principal", "x-local-principal"])
def test_only_an_open_stage_on_this_machine_believes_the_header(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], believed: bool, header: str
) -> None:
    names = ("AWS_CHALICE_CLI_MODE", "ORDERS_AUTH", "AWS_LAMBDA_FUNCTION_NAME")
    for name in names:
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    application = FakeApplication(Clock(), ORDERS_PRINCIPALS=TABLE)
    app = load_app(application).app
    event = gateway_event("POST", "/orders", body=order_text(), identity={"sourceIp": ""})
    event["headers"][header] = WEB

    answer = app(event, None)

    assert answer["statusCode"] == (202 if believed else 403)
    assert len(application.fake_queue.sent) == believed


BAD_HEADERS = [
    "",
    " ",
    "orders-web",
    f"{ROLE}/orders-web",
    CALLED,
    f"{CALLED}/orders-web",
    f"{WEB}/more",
    f"{WEB} {WEB}",
    f"arn:aws:iam::{ACCOUNT}:group/web",
    "arn:aws:iam::1111:user/web",
    f"arn:aws:sqs::{ACCOUNT}:user/web",
    f"arn:aws:iam::{ACCOUNT}:user/\ud800",
    f"{CALLED}/orders-wéb/i-1",
    f"{CALLED}/orders-web/{'x' * 65}",
]


@pytest.fixture
def local(monkeypatch: pytest.MonkeyPatch) -> FakeApplication:
    monkeypatch.setenv("AWS_CHALICE_CLI_MODE", "true")
    monkeypatch.setenv("ORDERS_AUTH", "none")
    monkeypatch.delenv("AWS_LAMBDA_FUNCTION_NAME", raising=False)
    return FakeApplication(Clock(), ORDERS_PRINCIPALS=TABLE)


@pytest.mark.parametrize("header", BAD_HEADERS)
def test_a_header_that_names_no_caller_is_refused_by_name(
    local: FakeApplication, header: str
) -> None:
    event = gateway_event("POST", "/orders", body=order_text())
    event["headers"]["X-Local-Principal"] = header

    answer = load_app(local).app(event, None)

    body = json.loads(answer["body"])
    assert (answer["statusCode"], body["errors"][0]["code"]) == (400, "bad_arn")
    assert body["errors"][0]["field"] == "X-Local-Principal"
    assert local.fake_queue.sent == []


def test_without_the_header_nobody_calls(local: FakeApplication) -> None:
    event = gateway_event("POST", "/orders", body=order_text(), identity={})

    answer = load_app(local).app(event, None)

    assert answer["statusCode"] == 403
    assert "is not signed" in json.loads(answer["body"])["detail"]


def test_a_line_that_names_another_channel_is_refused_and_the_others_are_queued(api: Api) -> None:
    lines = "\n".join([order_text("own"), order_text("not-own", channel="mobile")])

    status, answer = post_lines(api, WEB, lines)

    assert status == 202
    own, foreign = answer["results"]
    assert own["status"] == "QUEUED"
    assert foreign["problem"]["type"] == "urn:orders:problem:channel-not-yours"
    assert foreign["problem"]["detail"].endswith("It was not queued.")
    assert "not-own" not in str(foreign)
    assert [sent.attributes["channel"] for sent in api.queue.sent] == ["web"]


@pytest.mark.parametrize("beside", ["", order_text("own")])
@pytest.mark.parametrize("query", [{}, {"dryRun": ["true"]}])
def test_the_line_of_a_batch_that_names_another_channel_is_logged_with_the_caller(
    api: Api, caplog: pytest.LogCaptureFixture, beside: str, query: dict[str, list[str]]
) -> None:
    """Whoever watches for callers who try it must not overlook one who tries it among others."""
    lines = f"{beside}\n{order_text('not-own', channel='mobile')}"

    with caplog.at_level(logging.INFO, "orders"):
        post_lines(api, WEB, lines, **query)

    (line,) = [vars(record) for record in caplog.records]
    assert line["caller"] == f"{CALLED}/orders-web"
    assert line["foreign"] == 1
    assert "not-own" not in str(line)


def test_the_lines_of_a_channels_own_batch_name_no_caller(
    api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "orders"):
        post_lines(api, WEB, f"{order_text()}\nno JSON")

    (line,) = [vars(record) for record in caplog.records]
    assert "caller" not in line
    assert "foreign" not in line


def test_a_batch_of_another_channels_orders_alone_is_refused_as_one_order_is(api: Api) -> None:
    line = order_text("not-own", channel="mobile")

    status, answer = post_lines(api, WEB, line)

    assert (status, answer["type"]) == (403, "urn:orders:problem:channel-not-yours")
    assert [each["status"] for each in answer["results"]] == ["REFUSED"]
    assert api.queue.sent == []


def test_the_document_has_the_results_in_the_refusal_of_a_batch_of_another_channel(
    api: Api,
) -> None:
    """A strict client that was made from the document must not break on it."""
    _, answer = post_lines(api, WEB, order_text("not-own", channel="mobile"))
    _, document = get(api, None, "/openapi.json")

    response = document["paths"]["/order-batches"]["post"]["responses"]["403"]
    (content,) = response["content"].values()
    names = [each["$ref"].rpartition("/")[2] for each in content["schema"]["oneOf"]]
    members = [{*document["components"]["schemas"][name]["properties"]} for name in names]
    assert [names[place] for place, known in enumerate(members) if answer.keys() <= known] == [
        "BatchProblem"
    ]


def test_every_route_that_is_not_open_to_anyone_asks_who_calls(api: Api) -> None:
    """A new route of orders can't forget it."""
    for resource, methods in api.app.routes.items():
        for method in methods:
            event = gateway_event(method, resource, identity={"userArn": STRANGER})
            event["pathParameters"] = {"order_id": "order-001", "submission_id": "id-1"}
            event["headers"]["Content-Type"] = BODY_TYPES.get(resource, "application/json")
            status = api.invoke(event)["statusCode"]

            is_open = resource in {"/", "/health", "/docs", "/openapi.json", "/asyncapi.json"}
            assert (status == 403) is not is_open, f"{method} {resource}: {status}"


@pytest.mark.parametrize("arn", [*UNKNOWN, READER])
@pytest.mark.parametrize("query", [{}, {"dryRun": ["true"]}])
def test_only_a_channel_hands_in_a_batch(
    api: Api, arn: str | None, query: dict[str, list[str]]
) -> None:
    status, answer = post_lines(api, arn, order_text(), **query)

    assert (status, answer["type"]) == (403, "urn:orders:problem:caller-unknown")
    assert "results" not in answer
    assert api.queue.sent == []
