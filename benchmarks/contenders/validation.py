"""The validation that the contenders share, so that they differ only in their calls."""

import json
from decimal import Decimal, InvalidOperation
from typing import Any

CHANNELS = {None, "web", "mobile", "atm"}


def read_order(body: str) -> tuple[dict[str, Any], list[str]]:
    """Read the order in a message, and the errors in it."""
    order = json.loads(body, parse_float=Decimal)
    return order, [*_amount_errors(order), *_account_errors(order), *_channel_errors(order)]


def _amount_errors(order: dict[str, Any]) -> list[str]:
    try:
        amount = Decimal(order["amount"])
    except (KeyError, InvalidOperation):
        return ["amount: not_a_number"]
    return [] if amount > 0 else ["amount: not_positive"]


def _account_errors(order: dict[str, Any]) -> list[str]:
    names = ("fromAccount", "toAccount")
    errors = [f"{name}: not_digits" for name in names if not str(order.get(name)).isdigit()]
    if order.get("fromAccount") == order.get("toAccount"):
        errors.append("toAccount: same_account")
    return errors


def _channel_errors(order: dict[str, Any]) -> list[str]:
    return [] if order.get("channel") in CHANNELS else ["channel: unknown_channel"]
