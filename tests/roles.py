"""People of a role, played over a full stage: what each use calls, and what AWS refuses them."""

import dataclasses
import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import cache
from typing import Any, cast

import boto3
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import ClientError
from botocore.model import OperationModel
from click.testing import Result

from chalicelib.orders.times import now
from chalicelib.services.sealing import OVER_AFTER
from chalicelib.settings import SEAL_KEY
from ops.desk.desk import Desk
from ops.desk.stage import Stage
from ops.processing_switch import queue_arn
from ops.roles.policy import names_of, policy_of
from ops.roles.rights import Role
from ops.roles.uses import COMMANDS, PAGES, SHOW_ACCOUNTS, use_of
from ops.stage_mentions import with_other_stage
from ops.stage_names import processor_name
from tests.console_pages import console_of
from tests.coroutines import run_apart
from tests.fake_lambda import FakeLambda, mapping_id
from tests.full_stage import TextStage, do_not_wait, letter_ids, stage_holding
from tests.grants import REGION, Grant, grants_of, needed_for
from tests.surfaces import (
    ACCEPTED,
    ACTING,
    ECHOING,
    GIVEN_UP,
    LETTER,
    READING,
    SHOWING_ACCOUNTS,
    TEXT,
    Typed,
    type_words,
)
from tests.surfaces import PAGES as ADDRESSES

ACCOUNT = f"{REGION}:123456789012"
CODES = {"dynamodb": "AccessDeniedException", "lambda": "AccessDeniedException"}
# Stage dev's key for seals.
SEALING_KEY = f"arn:aws:kms:{ACCOUNT}:key/5ea15ea1-0000-1111-2222-333344445555"
# No role is for the local stage, whose emulator asks nobody for rights.
STAGE = "dev"
# These ask nobody what they may do.
WITHOUT_RIGHTS = {"GetCallerIdentity"}
MORE = (
    Typed("orders list", ("--from", "2020-01-01")),
    Typed("orders export", ("-", "--format", "csv")),
    Typed("orders show", (GIVEN_UP,)),
    Typed("audit", ("--from", "2020-01-01")),
    # Others have made the table by then.
    Typed("replay", ("--into", "rebuilt", "--prove-only")),
)
"""Lines that call what no other line of `tests.surfaces` does."""

Note = Callable[[Grant], None]
OK = AWSResponse("", 200, HTTPHeaders(), None)


def uses() -> dict[str, list[Typed]]:
    """Find the lines to type for each line of the roles' uses."""
    submitting = [typed for typed in ECHOING if typed.command == "orders submit"]
    showing = [
        typed._replace(arguments=(*typed.arguments, SHOW_ACCOUNTS)) for typed in SHOWING_ACCOUNTS
    ]
    found: dict[str, list[Typed]] = {}
    for typed in [*SHOWING_ACCOUNTS, *MORE, *READING, *ACTING, *submitting]:
        found.setdefault(use_of(typed.command, typed.arguments), []).append(typed)
    found[SHOW_ACCOUNTS] = [typed for typed in showing if typed.command in COMMANDS]
    return {use: lines for use, lines in found.items() if use in COMMANDS}


@contextmanager
def played_stage() -> Iterator[Desk]:
    """Open a stage on which there is something of each kind to find and to do."""
    with stage_holding("plain", "simple") as desk:
        overwrite_an_object(desk)
        decide(desk)
        yield desk


def with_topic(desk: Desk) -> Desk:
    """Open the same stage with a topic in place of its bus."""
    name = desk.stage.settings.table.replace("orders-", "orders-events-", 1)
    target = desk.stage.sns.create_topic(Name=name)["TopicArn"]
    changed = {"ORDERS_EVENTS": "sns", "ORDERS_EVENTS_TARGET": target}
    environment = {**desk.stage.environment, **changed}
    return Desk(dataclasses.replace(desk.stage, environment=environment))


def overwrite_an_object(desk: Desk) -> None:
    """Overwrite the object of a record, which a repair puts right."""
    (record, *_) = desk.orders.show(ACCEPTED).records
    assert record.s3_key
    desk.stage.s3.put_object(Bucket=desk.stage.settings.bucket, Key=record.s3_key, Body=b"false")


def decide(desk: Desk) -> None:
    """Hand in the order of a dead letter anew, so that there is a decision to read."""
    (typed,) = (each for each in ACTING if each.command == "dlq resubmit")
    type_words(desk, typed.words("7", letter_ids(desk)[0]), typed.reply("7"))


def desk_as(desk: Desk, note: Note, *, paused: bool = False) -> Desk:
    """
    Open the same stage once more, for somebody whose calls are noted before they are made.

    It is a day later there: what was on its way is missing by then, and the day can be sealed.
    """
    session = boto3.Session()
    session.events.register("provide-client-params.sqs.ReceiveMessage", do_not_wait)
    answer_as(session, mapped_function(desk, paused=paused))
    listen(session, note, ACCOUNT)
    stage = TextStage(STAGE, desk.stage.environment, session)
    return Desk(cast("Stage", stage), clock=a_day_later)


def mapped_function(desk: Desk, *, paused: bool) -> FakeLambda:
    """Make the Lambda of a stage whose queue feeds its processor."""
    queue = queue_arn(desk.stage.sqs, desk.stage.settings.queue_url)
    functions = FakeLambda(queue, function=processor_name(STAGE))
    if paused:
        functions.update_event_source_mapping(UUID=mapping_id(functions.function), Enabled=False)
    return functions


def answer_as(session: boto3.Session, functions: FakeLambda) -> None:
    """Answer in the place of Lambda from now on."""

    def answer(model: OperationModel, params: dict[str, Any], **_: object) -> Any:
        body = json.loads(params["body"] or "{}")
        if model.name == "ListEventSourceMappings":
            return OK, functions.list_event_source_mappings(**params["query_string"])
        uuid = params["url_path"].rpartition("/")[2]
        return OK, functions.update_event_source_mapping(UUID=uuid, **body)

    session.events.register("before-call.lambda", answer)


def listen(session: boto3.Session, note: Note, account: str) -> None:
    """Note each call of the clients that a session makes from now on, before it is made."""

    def tell(params: dict[str, Any], model: OperationModel, **_: object) -> None:
        if model.name not in WITHOUT_RIGHTS:
            note(needed_for(model.service_model.service_name, model.name, params, account))

    session.events.register("provide-client-params", tell)


def a_day_later() -> datetime:
    return now() + timedelta(days=1) + OVER_AFTER


def statements_for(role: Role, desk: Desk) -> list[dict[str, Any]]:
    names = names_of(STAGE, desk.stage.environment)
    statements: list[dict[str, Any]] = policy_of(role, names)["Statement"]
    return statements


def refusing(role: Role | None, desk: Desk) -> Note:
    """Refuse, as AWS does, each call that the policy of a role does not grant; None has none."""
    granted = grants_of(statements_for(role, desk)) if role else set()

    def note(needed: Grant) -> None:
        if not any(grant.covers(needed) for grant in granted):
            raise denied(needed)

    return note


def denied(needed: Grant) -> ClientError:
    """Make AWS's refusal of a call."""
    action, resource, *_ = needed
    words = (
        f"User: {TextStage.operator} is not authorized to perform: {action} on resource: {resource}"
        f" because no identity-based policy allows the {action} action"
    )
    service, _, operation = action.partition(":")
    code = CODES.get(service, "AccessDenied")
    answer: Any = {
        "Error": {"Code": code, "Message": words},
        "ResponseMetadata": {"HTTPStatusCode": 403},
    }
    return ClientError(answer, operation)


def play(desk: Desk, typed: Typed, letter: str) -> Result:
    """Type a line. A table to rebuild into has a name that an operator's policy grants."""
    rebuilt = f"{desk.stage.settings.table}.rebuilt"
    words = [rebuilt if word == "rebuilt" else word for word in typed.words("7", letter)]
    return type_words(desk, words, typed.reply("7"))


def play_page(desk: Desk, page: str) -> str:
    """Open the addresses of a page, and hand an order in where one is tried out."""

    async def visit() -> str:
        shown = []
        async with console_of(desk) as visitors:
            for address in ADDRESSES[page]:
                visited = await visitors.open(address.replace(TEXT, "plain"))
                if page == "/try-it":
                    await visited.submit(("do", "valid"), until=_has_an_answer)
                shown.append(visited.text)
        return "\n".join(shown)

    return run_apart(visit())


def _has_an_answer(shown: str) -> bool:
    """Tell whether *Try it* shows the order, or why none was handed in; the page has timers too."""
    return "Verdicts that are known" in shown or "lacks the right" in shown


class Play:
    """Uses, played over one stage as long as none of them changes it."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._letters = letter_ids(desk)

    def lines(self, lines: Iterable[Typed], note_for: Callable[[Desk], Note]) -> list[Result]:
        """Type lines as somebody whose calls are noted, or refused."""
        looking = cache(lambda: desk_as(self._desk, note_for(self._desk), paused=True).stage)
        return [self._line(typed, note_for, looking) for typed in lines]

    def _line(
        self, typed: Typed, note_for: Callable[[Desk], Note], looking: Callable[[], Stage]
    ) -> Result:
        if typed not in ACTING:
            # A desk of its own for each line, over clients that are made once: they take longest.
            return play(Desk(looking(), clock=a_day_later), typed, self._letter(typed))
        with played_stage() as desk:
            letter = letter_ids(desk)[-1]
            other = desk_as(desk, note_for(desk), paused=typed.command != "pause")
            return play(other, typed, letter)

    def _letter(self, typed: Typed) -> str:
        return self._letters[0] if LETTER in typed.arguments else ""


def needed_for_uses() -> dict[str, set[Grant]]:
    """Play each use as somebody who may do everything, and note what it calls of stage dev."""
    found: dict[str, set[Grant]] = {}

    def noting(use: str) -> Callable[[Desk], Note]:
        needed = found.setdefault(use, set())
        return lambda desk: lambda grant: needed.add(of_dev(grant, desk))

    with played_stage() as desk:
        playing = Play(desk)
        for use, lines in uses().items():
            playing.lines(lines, noting(use))
        # A stage has a bus or a topic: everything above has a bus.
        (resend,) = (each for each in ACTING if each.command == "events resend")
        other = with_topic(desk)
        play(desk_as(other, noting("events resend")(other)), resend, "")
        for page in PAGES:
            play_page(desk_as(desk, noting(page)(desk), paused=True), page)
    return found


def of_dev(grant: Grant, desk: Desk) -> Grant:
    """Name stage dev's resource instead of the same one of a stage that was made for a test."""
    if grant.resource == desk.stage.environment[SEAL_KEY]:
        return grant._replace(resource=SEALING_KEY)
    own = desk.stage.settings.table.removeprefix("orders-")
    return grant._replace(resource=with_other_stage(grant.resource, own, STAGE))
