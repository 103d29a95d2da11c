"""(d) This system, as Lambda invokes it: through `app.process_orders`."""

from typing import Any

import app


def process(event: dict[str, Any], context: Any) -> Any:
    handler: Any = app.process_orders
    return handler(event, context)
