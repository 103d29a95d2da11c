"""Alarms on expressions: the share of rejected orders, and channels that went silent."""

import json
import re
from functools import cache
from typing import Any

import pytest

from chalicelib.orders.terms import CHANNELS
from chalicelib.telemetry import UNSPECIFIED_CHANNEL
from ops.lint.stage_rules import ALARMS
from ops.lint.template import Template
from ops.project import PROJECT_ROOT, RESOURCES_TEMPLATE
from ops.stage_names import OPTIONAL_ALARMS, service_name
from ops.templates import EMULATOR_PARAMETERS, load_template
from tests.metric_math import Series, is_ringing

RESOURCES = PROJECT_ROOT / RESOURCES_TEMPLATE
SILENT_MINUTES = 5
WATCHING = {f"SilentMinutes{channel.title()}": str(SILENT_MINUTES) for channel in CHANNELS}
SILENT = [f"Silent{channel.title()}" for channel in CHANNELS]
either_way = pytest.mark.parametrize("fills_empty", [True, False])
each_channel = pytest.mark.parametrize("channel", CHANNELS)


@cache
def template(**parameters: str) -> Template:
    return Template(RESOURCES, Stage="dev", **parameters)


def alarm(name: str, **parameters: str) -> dict[str, Any]:
    alarms = template(**parameters).of_type("AWS::CloudWatch::Alarm").values()
    (found,) = [each for each in alarms if each["AlarmName"] == f"orders-dev-{name}"]
    return found


def widgets(**parameters: str) -> list[dict[str, Any]]:
    (dashboard,) = template(**parameters).of_type("AWS::CloudWatch::Dashboard").values()
    found: list[dict[str, Any]] = json.loads(dashboard["DashboardBody"])["widgets"]
    return found


def has_condition(name: str, **parameters: str) -> bool:
    whole = template(**parameters)
    return bool(whole.resolve({"Fn::If": [name, True, False]}))


def share_rings(*, fills_empty: bool, **counts: float) -> bool:
    """Say whether the alarm on the share rings after a quarter of an hour with these orders."""
    metrics = {
        name: Series({0: counts[name]} if name in counts else {})
        for name in ("accepted", "rejected", "duplicate")
    }
    return is_ringing(alarm("rejected-share"), metrics, [0], fills_empty=fills_empty)


@either_way
@pytest.mark.parametrize(
    ("counts", "rings"),
    [
        ({"accepted": 80, "rejected": 20}, True),
        ({"accepted": 50, "rejected": 20, "duplicate": 30}, True),
        ({"rejected": 10}, True),
        ({"duplicate": 5, "rejected": 10}, True),
        ({"duplicate": 90, "rejected": 10}, False),
        ({"accepted": 90, "rejected": 10}, False),  # a tenth, and no more
        ({"accepted": 9_980, "rejected": 20}, False),
        ({"rejected": 1}, False),  # at night
        ({"rejected": 9}, False),
        ({"accepted": 1}, False),
        ({}, False),
    ],
)
def test_a_share_of_rejected_orders_rings_if_it_is_large_and_they_are_many(
    counts: dict[str, float], *, rings: bool, fills_empty: bool
) -> None:
    assert share_rings(fills_empty=fills_empty, **counts) is rings


def test_threshold_and_fewest_are_parameters() -> None:
    parameters = {"RejectedShareAlarmPercent": "50", "RejectedShareAlarmCount": "2"}

    found = alarm("rejected-share", **parameters)

    for rejected, rings in {1: False, 2: True}.items():
        metrics = {
            "rejected": Series({0: rejected}),
            "accepted": Series({0: 1}),
            "duplicate": Series(),
        }
        assert is_ringing(found, metrics, [0], fills_empty=True) is rings


class Day:
    """Some minutes of a channel: its orders as the processor counts them, and the queue's age."""

    def __init__(self, orders: str, ages: str = "") -> None:
        """Take a character a minute: orders, ages in whole minutes; a point is no value at all."""
        self._orders = Series({at: float(c) for at, c in enumerate(orders) if c != "."})
        self._ages = Series({at: 60 * float(c) for at, c in enumerate(ages) if c != "."})
        self._minutes = len(orders)

    def ringing(self, channel: str, *, fills_empty: bool) -> str:
        """Write for each minute, once there are enough, whether the alarm rings after it."""
        watch = alarm(f"silent-{channel}", **WATCHING)
        metrics = {"orders": self._orders, "age": self._ages}
        count = int(watch["EvaluationPeriods"])
        ends = range(count, self._minutes + 1)
        windows = [range(end - count, end) for end in ends]
        return "".join(
            "!" if is_ringing(watch, metrics, window, fills_empty=fills_empty) else "-"
            for window in windows
        )


@either_way
@each_channel
@pytest.mark.parametrize(
    ("what", "orders", "ages", "ringing"),
    [
        ("an order each minute", "1111111111", "0000000000", "------"),
        ("the queue tells no age while it is empty", "1111111111", "..........", "------"),
        ("one order in five minutes is enough", "....1....1", "0000000000", "------"),
        ("no order any more", "11........", "0000000000", "--!!!!"),
        ("no order any more, and no age", "11........", "..........", "--!!!!"),
        ("it begins again", ".......1..", "0000000000", "!!!---"),
        ("never an order", "..........", "..........", "!!!!!!"),
        ("a pause in which orders wait", "11........", "00.2345678", "------"),
        ("a pause that is longer than the alarm looks back", "..........", "2345678999", "------"),
        ("a pause in which nothing comes to any channel", "11........", "00........", "--!!!!"),
        ("a pause counts no minute of silence", "1......1..", "0.2345600.", "------"),
        ("silence begins anew after a pause", "1............", "0.23456000000", "-------!!"),
    ],
)
def test_a_channel_is_silent_if_no_order_of_it_came_and_none_can_be_waiting(
    channel: str, what: str, orders: str, ages: str, ringing: str, *, fills_empty: bool
) -> None:
    assert Day(orders, ages).ringing(channel, fills_empty=fills_empty) == ringing, what


@each_channel
def test_a_silent_channels_alarm_counts_the_channels_own_orders(channel: str) -> None:
    """The API's orders and those of direct senders: the processor counts both by their channel."""
    (orders,) = [
        each["MetricStat"]["Metric"]
        for each in alarm(f"silent-{channel}", **WATCHING)["Metrics"]
        if each["Id"] == "orders"
    ]

    assert orders == {
        "Namespace": "Orders",
        "MetricName": "OrdersReceived",
        "Dimensions": [
            {"Name": "service", "Value": service_name("dev")},
            {"Name": "channel", "Value": channel},
        ],
    }


@each_channel
def test_a_channel_is_watched_only_where_its_minutes_are_given(channel: str) -> None:
    watches, minutes = f"Watches{channel.title()}", f"SilentMinutes{channel.title()}"

    assert not has_condition(watches)
    assert has_condition(watches, **{minutes: "30"})
    assert not has_condition(watches, **{minutes: "30"}, **EMULATOR_PARAMETERS)


@each_channel
@pytest.mark.parametrize(
    ("minutes", "is_taken"),
    [("0", True), ("5", True), ("15", True), ("120", True), ("1439", True), ("1440", True)]
    + [(each, False) for each in ("1", "4", "-5", "05", "5.5", "1441", "2000", "10000", "")],
)
def test_a_channels_minutes_are_more_than_counts_are_late_and_a_day_at_most(
    channel: str, minutes: str, *, is_taken: bool
) -> None:
    """
    FILL takes a minute that is not counted yet for an empty one, and an alarm sees a day at most.

    docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html, at FILL.
    """
    parameter = load_template(RESOURCES.read_text(encoding="utf-8"))["Parameters"][
        f"SilentMinutes{channel.title()}"
    ]

    assert (re.fullmatch(parameter["AllowedPattern"], minutes) is not None) is is_taken


def test_an_emulator_gets_no_alarm_on_an_expression() -> None:
    """It refuses the whole stack otherwise. Anybody else gets them."""
    resources = template(**WATCHING).resources
    on_expressions = {
        resource["Condition"]
        for resource in resources.values()
        if "Metrics" in resource["Properties"]
    }

    assert len(on_expressions) == 1 + len(CHANNELS)
    for condition in on_expressions:
        assert has_condition(condition, **WATCHING)
        assert not has_condition(condition, **WATCHING, **EMULATOR_PARAMETERS)


@pytest.mark.parametrize(
    ("parameters", "shown"),
    [
        ({}, {"RejectedShare"}),
        (WATCHING, {"RejectedShare", *SILENT}),
        (WATCHING | EMULATOR_PARAMETERS, set()),
    ],
)
def test_the_dashboard_shows_the_alarms_that_there_are(
    parameters: dict[str, str], shown: set[str]
) -> None:
    """CloudFormation refuses the name of a resource that a condition leaves out."""
    alarms = widgets(**parameters)[0]["properties"]["alarms"]

    assert {name for name in ("RejectedShare", *SILENT) if f"${{{name}.Arn}}" in alarms} == shown


def test_the_dashboard_shows_the_orders_of_each_channel() -> None:
    metrics = [each for w in widgets() for each in w["properties"].get("metrics", [])]

    channels = {metric[5] for metric in metrics if "channel" in metric}
    assert channels == {*CHANNELS, UNSPECIFIED_CHANNEL}


def test_lint_and_verify_know_every_alarm_of_the_template() -> None:
    alarms = template().of_type("AWS::CloudWatch::Alarm").values()

    assert {each["AlarmName"] for each in alarms} == {
        f"orders-dev-{name}" for name in (*ALARMS, *OPTIONAL_ALARMS)
    }
