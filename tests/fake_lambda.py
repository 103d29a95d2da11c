"""Lambda's event source mappings, as far as a pause needs them."""

from typing import Any

from botocore.exceptions import ClientError

SETTLED = {"Enabling": "Enabled", "Disabling": "Disabled"}


class FakeLambda:
    """
    Event source mappings, which take some looks until they are as they were told to be.

    A mapping's id says of which function it is, which no id of AWS does.
    """

    def __init__(
        self,
        *queues: str,
        function: str = "orders-prod-process_orders",
        looks: int = 0,
        denied: str = "",
    ) -> None:
        self.function = function
        self.mappings: dict[str, dict[str, Any]] = {
            mapping_id(function, number): {
                "UUID": mapping_id(function, number),
                "State": "Enabled",
                "EventSourceArn": queue,
                "BatchSize": 10,
                "ScalingConfig": {"MaximumConcurrency": 100},
            }
            for number, queue in enumerate(queues)
        }
        self.updates: list[dict[str, Any]] = []
        self._looks = looks
        self._denied = denied
        self._left = looks

    def list_event_source_mappings(
        self,
        FunctionName: str,  # noqa: N803 (AWS's name)
        EventSourceArn: str,  # noqa: N803 (AWS's name)
    ) -> dict[str, Any]:
        self._require("ListEventSourceMappings")
        assert FunctionName == self.function
        self._settle()
        of_queue = [it for it in self.mappings.values() if it["EventSourceArn"] == EventSourceArn]
        return {"EventSourceMappings": [dict(mapping) for mapping in of_queue]}

    def update_event_source_mapping(self, **changes: Any) -> dict[str, Any]:
        self._require("UpdateEventSourceMapping")
        self.updates.append(changes)
        self._left = self._looks
        mapping = self.mappings[changes["UUID"]]
        mapping["State"] = "Enabling" if changes["Enabled"] else "Disabling"
        mapping["ScalingConfig"] = changes.get("ScalingConfig", mapping["ScalingConfig"])
        return dict(mapping)

    def _settle(self) -> None:
        if self._left:
            self._left -= 1
            return
        for mapping in self.mappings.values():
            mapping["State"] = SETTLED.get(mapping["State"], mapping["State"])

    def _require(self, operation: str) -> None:
        if operation == self._denied:
            refusal: Any = {"Error": {"Code": "AccessDeniedException"}}
            raise ClientError(refusal, operation)


def mapping_id(function: str, number: int = 0) -> str:
    """Name a mapping of a function."""
    return f"{number}-of-{function}"


def function_of(mapping: str) -> str:
    """Name the function of a mapping."""
    return mapping.partition("-of-")[2]
