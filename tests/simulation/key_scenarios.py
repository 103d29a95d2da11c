"""The scenarios of the Idempotency-Key: clients of the API that POST, some at the same time."""

from functools import partial

from tests.simulation.posts import sender
from tests.simulation.scenarios import FIRST, INVALID, Scenario, order

WEB = "arn:aws:iam::111122223333:role/web"
MOBILE = "arn:aws:iam::111122223333:role/mobile"
OTHER_BYTES = order("other", amount="99.00")
OTHER_ORDER = order("other", order_id="order-2")

# A POST makes two calls only, so there is time for a fault more. Two of them show that a promise
# which one fault suspends is suspended no further.
with_keys = partial(Scenario, more_faults=1, deliveries=0)

KEY_SCENARIOS = (
    with_keys(
        name="an order that is POSTed until it is answered",
        senders=(sender(FIRST, attempts=3),),
        deliveries=1,
    ),
    with_keys(
        name="two POSTs of one key and the same bytes",
        senders=(sender(FIRST), sender(FIRST)),
    ),
    with_keys(
        name="two POSTs of one key and other bytes",
        senders=(sender(FIRST), sender(OTHER_BYTES)),
    ),
    with_keys(
        name="two POSTs of one key and other bytes, while a worker is busy",
        senders=(sender(FIRST, attempts=1), sender(INVALID, attempts=1)),
        deliveries=1,
    ),
    with_keys(
        name="two POSTs of one key and another order",
        senders=(sender(FIRST), sender(OTHER_ORDER, attempts=1)),
    ),
    with_keys(
        name="three POSTs of one key, one of other bytes",
        senders=(
            sender(FIRST, attempts=1),
            sender(FIRST, attempts=1),
            sender(OTHER_BYTES, attempts=1),
        ),
    ),
    with_keys(
        name="two POSTs of a key that expires",
        senders=(sender(FIRST), sender(OTHER_BYTES, attempts=1)),
        last_day=1,
    ),
    with_keys(
        name="an order that is POSTed again after its key has expired",
        senders=(sender(FIRST, attempts=3),),
        last_day=1,
    ),
    with_keys(
        name="two callers who chose the same key",
        senders=(sender(FIRST, caller=WEB), sender(OTHER_BYTES, caller=MOBILE)),
    ),
)
