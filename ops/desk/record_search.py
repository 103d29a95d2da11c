"""The audit index, narrowed down to the records that a search asks for."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from chalicelib.aws.dynamodb import narrowed
from ops.desk.search import term_kinds

if TYPE_CHECKING:
    from datetime import date

    from chalicelib.aws.dynamodb import RecordStore
    from chalicelib.orders.terms import Value
    from chalicelib.services.queries import AuditFilter, AuditPage
    from ops.desk.search import Sender, Wanted

SENDERS = ("submittedBy", "sentBy")


class RecordSearch:
    """
    The audit of a table, of which a read returns the wanted records only.

    DynamoDB leaves out the others, so they cost their reads and no transfer.
    """

    def __init__(self, records: RecordStore, wanted: Wanted) -> None:
        self._records = records
        self.audit_shards = records.audit_shards
        self._wanted = wanted

    def read_audit(
        self, day: date, shard: int, before: str, limit: int, only: AuditFilter
    ) -> AuditPage:
        """
        Read at most `limit` records of one shard of a day, newest first, as `RecordStore` does.

        Raises:
            StoreUnavailable: try again.
        """
        options, values = narrowed(only)
        names = options.get("ExpressionAttributeNames", {})
        conditions = [options["FilterExpression"]] if options else []
        for condition, more_names, more_values in _conditions(self._wanted):
            conditions.append(f"({condition})")
            names = names | more_names
            values = values | more_values
        if conditions:
            options = {"FilterExpression": " AND ".join(conditions)}
            options["ExpressionAttributeNames"] = names
        return self._records.read_narrowed(day, shard, before, limit, (options, values))


# An expression of DynamoDB's, the names in it, and the values.
Condition = tuple[str, dict[str, str], dict[str, Any]]


def _conditions(wanted: Wanted) -> list[Condition]:
    kinds = term_kinds()
    conditions = [_one_has(kinds[kind], kind, value) for kind, value in wanted.terms.items()]
    return [*conditions, _handed_in_by(wanted.sender)] if wanted.sender else conditions


def _one_has(names: list[str], kind: str, value: Value) -> Condition:
    stored = {"N": f"{value:f}"} if isinstance(value, Decimal) else {"S": value}
    condition = " OR ".join(f"#terms.#{name} = :{kind}" for name in names)
    aliases = {"#terms": "terms", **{f"#{name}": name for name in names}}
    return condition, aliases, {f":{kind}": stored}


def _handed_in_by(sender: Sender) -> Condition:
    conditions = [f"#{name} = :sender" for name in SENDERS]
    values = {":sender": {"S": sender.name}}
    if sender.sessions:
        conditions += [f"begins_with(#{name}, :sessions)" for name in SENDERS]
        values[":sessions"] = {"S": sender.sessions}
    return " OR ".join(conditions), {f"#{name}": name for name in SENDERS}, values
