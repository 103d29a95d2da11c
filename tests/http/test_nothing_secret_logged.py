"""No log line has an account or an amount, wherever in a request or a message it stands."""

import itertools
import json
from typing import Any

import pytest

from tests.builders import order_text, sqs_event, sqs_record
from tests.fakes import FakeQueue
from tests.http.conftest import JSON, Api, BrokenQueue, post_lines, running
from tests.secrets_shown import SECRETS, is_shown

# Powertools keeps one logger, and so one stream, for each service name.
_services = itertools.count(1)
AMOUNT = "31337.42"
# All but submissionId and requestId: ids are in the log, for channels to keep clean.
ATTRIBUTES = (
    *("submittedBy", "channel", "receivedAt", "note", "unreadableReason", "unreadableDetail"),
    *("unreadableAt", "originalMessageId", "otherMessageAttributes", "traceparent"),
)


def bodies(secret: str) -> list[str]:
    """List bodies with the secret in each place: a field, a name, the id, and no JSON at all."""
    fields: dict[str, Any] = {"amount": AMOUNT, "note": secret, secret: [{secret: secret}]}
    wrong: dict[str, Any] = {"amount": f"{secret},", "channel": secret, "toAccount": [secret]}
    return [
        order_text(**fields),
        order_text(**fields | {"fromAccount": secret}),
        order_text("order-2", **fields | wrong),
        order_text(f"a/{secret}", **fields),
        order_text(**fields)[:-1],
        f'{{"{secret}": 1, "{secret}": 2}}',
        json.dumps(secret),
        secret,
    ]


def settings() -> dict[str, Any]:
    return {"ORDERS_SERVICE": f"nothing-secret-{next(_services)}"}


def leaks(written: str) -> list[str]:
    return [name for name, it in {**SECRETS, "amount": AMOUNT}.items() if is_shown(it, written)]


def test_no_line_of_the_processors_log_has_an_account_or_an_amount(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with running(**settings()) as api:
        for secret in SECRETS.values():
            attributes: dict[str, Any] = dict.fromkeys(ATTRIBUTES, secret)
            api.process(sqs_event(*(sqs_record(body, **attributes) for body in bodies(secret))))
            with api.archive.outage(), api.records.outage(), pytest.raises(Exception):  # noqa: B017, PT011 (what is raised is another test's)
                api.process(sqs_event(sqs_record(order_text("order-3", note=secret), **attributes)))

    written = "".join(capsys.readouterr())
    assert written.count("\n") > 9 * len(SECRETS)
    assert not leaks(written)


@pytest.mark.parametrize("queue", [FakeQueue, BrokenQueue])
def test_no_line_of_the_intakes_log_has_an_account_or_an_amount(
    queue: type[FakeQueue], capsys: pytest.CaptureFixture[str]
) -> None:
    with running(queue=queue(), **settings()) as api:
        for secret in SECRETS.values():
            for body in bodies(secret):
                api.post(body.encode())
                api.request("POST", "/orders?dryRun=true", body.encode(), {"Content-Type": JSON})
            lines = "\n".join(bodies(secret))
            for query in ("", "?dryRun=true"):
                post_lines(api, lines, query=query)
            with api.queue.outage():
                post_lines(api, lines)
            ask_with(api, secret)

    written = "".join(capsys.readouterr())
    assert written.count("\n") > 9 * len(SECRETS)
    assert not leaks(written)


def ask_with(api: Api, secret: str) -> None:
    """Put the secret into headers and parameters, as far as a request may hold it."""
    header = secret.encode("ascii", "ignore").decode() or "1"
    api.request("POST", "/orders", order_text().encode(), {"Content-Type": header})
    given = {"Content-Type": JSON, "Idempotency-Key": header, "Accept-Language": header}
    api.request("POST", "/orders", order_text().encode(), given)
    # The key stands for other bytes now, and then can't be checked.
    api.request("POST", "/orders", order_text("order-2", note=secret).encode(), given)
    with api.application.fake_keys.outage():
        api.request("POST", "/orders", order_text(note=secret).encode(), given)
    value = header.replace(" ", "+")
    api.request("POST", f"/orders?dryRun={value}", order_text().encode(), given)
    for name in ("status", "from", "cursor", "limit", "channel"):
        api.get(f"/orders?{name}={value}")
