"""Checks of a stage: each passes on a good one, and fails on one that is broken in its way."""

import json
from http.server import BaseHTTPRequestHandler, HTTPServer
from itertools import count
from threading import Thread
from types import SimpleNamespace
from typing import Any, cast

import pytest
from click.testing import CliRunner, Result

from chalicelib.services.health import CheckResult, HealthReport, HealthStatus
from chalicelib.services.unavailable import StoreUnavailable
from ops.cli.commands import main
from ops.deploy.smoke import HEALTH_LIMIT_SECONDS, RECORD_LIMIT_SECONDS, Answer
from ops.desk.stage import StageUnavailable
from ops.ports import LOOPBACK, free_port
from ops.verify.check import ALL, BUCKET, Failed, Outcome, State, check
from ops.verify.letters import MOST_LETTERS, owner_of
from ops.verify.place import api_url_of
from ops.verify.run import Run
from ops.verify.suite import CHECKS, run_checks
from tests.builders import order_text, sqs_message
from tests.verify_faults import FAULTS, Break, answering, given, setting, simulating_only
from tests.verify_stage import EMULATOR_URL, VerifiedStage, refusal

BY_NAME = {each.name: each for each in CHECKS}
RUN = "verify-20260101T000000Z-0c48a1"
# Faults that an emulator has for a reason, by what is said of them.
EXCUSED = {
    "is not S3's host in eu-west-1",
    "is no host of S3",
    "without a signature got 200",
    "is not encrypted",
    "without a condition got no error",
    "a forged signature got 404",
    "GET /nowhere got 404",
    "DELETE /orders got 405",
    "GET /nowhere got no problem",
    "no point-in-time recovery",
    "the API has no route",
    "the stage has no throttle",
    "nothing limits how many wait for a submission",
    "there is no metric OrdersAccepted of orders-prod",
    "there is no alarm rejected-share",
}


@pytest.mark.parametrize("name", BY_NAME)
def test_a_good_stage_passes_each_check(name: str) -> None:
    outcome = VerifiedStage().verify(BY_NAME[name])

    assert outcome.state is State.PASS, outcome.evidence


@pytest.mark.parametrize("name", BY_NAME)
def test_a_caller_of_any_channel_who_reads_all_may_verify_a_stage(name: str) -> None:
    """docs/stages.md says so: no check may name a channel of its own choice."""
    caller = VerifiedStage.operator

    outcome = VerifiedStage(principals=f"mobile={caller} reader={caller}").verify(BY_NAME[name])

    assert outcome.state is State.PASS, outcome.evidence


@pytest.mark.parametrize("name", ["order", "duplicates", "correction", "idempotency-key"])
@pytest.mark.parametrize("status", [0, 429, 500, 502, 503, 504])
def test_a_check_tries_again_where_an_answer_may_pass(name: str, status: int) -> None:
    """Every second request is taken all the same: what is handed in again must count once."""
    stage, number = VerifiedStage(), count(1)
    well = stage.answers

    def answers(*request: Any) -> Answer:
        answer = well(*request)
        if next(number) % 2 == 0:
            return answer
        if not status:
            raise ConnectionResetError
        return Answer(status, "<html>Bad Gateway</html>")

    vars(stage)["answers"] = answers

    outcome = BY_NAME[name].run(stage.run(patience=0.05))

    assert outcome.state is State.PASS, outcome.evidence


@pytest.mark.parametrize(("name", "break_it", "said"), FAULTS)
def test_a_stage_that_is_broken_in_its_way_fails_the_check(
    name: str, break_it: Break, said: str
) -> None:
    stage = VerifiedStage()
    break_it(stage)

    outcome = stage.verify(BY_NAME[name])

    assert said in outcome.evidence
    assert outcome.state is State.FAIL


@pytest.mark.parametrize(
    ("name", "break_it", "said"), [fault for fault in FAULTS if fault[0] != "plain-http"]
)
def test_an_emulator_excuses_only_what_it_can_not_do(name: str, break_it: Break, said: str) -> None:
    stage = VerifiedStage(EMULATOR_URL)
    break_it(stage)

    outcome = stage.verify(BY_NAME[name])

    assert said in outcome.evidence
    assert outcome.state is (State.DIFFERS if said in EXCUSED else State.FAIL)


def test_an_emulator_has_no_tls_to_insist_on() -> None:
    outcome = VerifiedStage(EMULATOR_URL).verify(BY_NAME["plain-http"])

    assert outcome.state is State.DIFFERS


def test_every_check_has_a_fault_a_page_and_a_sentence() -> None:
    assert {name for name, _, _ in FAULTS} == BY_NAME.keys()
    assert len(BY_NAME) == len(CHECKS)
    assert all(each.shows.endswith(".") for each in CHECKS)


@pytest.mark.parametrize("name", ["closed-routes", "signatures"])
def test_an_open_stage_is_as_it_was_set(name: str) -> None:
    stage = VerifiedStage()
    stage.environment["ORDERS_AUTH"] = "none"

    assert stage.verify(BY_NAME[name]).state is State.DIFFERS


def test_a_simulator_that_allows_nothing_says_nothing() -> None:
    stage = VerifiedStage()
    setting("services.iam.simulate_principal_policy", simulating_only())(stage)

    outcome = stage.verify(BY_NAME["roles"])

    assert outcome.state is State.SKIPPED
    assert "can't judge the policies' condition" in outcome.evidence


@pytest.mark.parametrize(
    ("name", "break_it", "said"),
    [
        (
            "gateway",
            answering(given(403, {"message": "Missing Authentication Token"})),
            "`chalice deploy` sets no gateway responses",
        ),
        (
            "throttle",
            setting("services.apigateway.get_stage", lambda **_: {}),
            "`chalice deploy` sets no throttle",
        ),
    ],
)
def test_a_stage_of_chalice_deploy_has_no_more_than_it_sets(
    name: str, break_it: Break, said: str
) -> None:
    def describe_stacks(**_: Any) -> None:
        raise refusal("ValidationError", "Stack with id orders-app-prod does not exist")

    stage = VerifiedStage()
    break_it(stage)
    setting("services.cloudformation.describe_stacks", describe_stacks)(stage)

    outcome = stage.verify(BY_NAME[name])

    assert outcome.state is State.DIFFERS
    assert said in outcome.evidence


@pytest.mark.parametrize(
    ("error", "state", "said"),
    [
        (refusal("AccessDenied"), State.SKIPPED, "your identity may not do this: Call"),
        (StoreUnavailable("S3 PutObject: AccessDenied"), State.SKIPPED, "this: S3 PutObject"),
        (refusal("Throttling", "slow"), State.FAIL, "Call: Throttling: slow"),
        (StoreUnavailable("S3 PutObject: SlowDown"), State.FAIL, "S3 PutObject: SlowDown"),
        (ConnectionRefusedError("refused"), State.FAIL, "no answer: ConnectionRefusedError"),
        (KeyError("records"), State.FAIL, "an answer of another form: KeyError: 'records'"),
        (Failed("\x1b[31m [red]\u2028"), State.FAIL, r"\x1b[31m [red]\u2028"),
    ],
)
def test_whatever_a_look_meets_is_an_outcome(error: Exception, state: State, said: str) -> None:
    @check("some", "docs/api.md")
    def some(_run: Run) -> str:
        raise error

    outcome = VerifiedStage().verify(some)

    assert outcome.state is state
    assert said in outcome.evidence


def test_a_check_that_fails_because_of_a_shared_order_does_not_wait_for_it_again() -> None:
    stage = VerifiedStage()
    setting("deliver", lambda *_: None)(stage)
    run = stage.run()

    found = [outcome for _, outcome in run_checks([BY_NAME["order"], BY_NAME["download"]], run)]

    assert [outcome.state for outcome in found] == [State.FAIL] * 2
    assert len([line for line in stage.log if '"POST"' in line]) == 1


def test_what_looks_back_comes_last() -> None:
    run = VerifiedStage().run()
    checks = [BY_NAME["metrics"], BY_NAME["health"], BY_NAME["logs"], BY_NAME["order"]]

    names = [each.name for each, _ in run_checks(checks, run)]

    assert set(names[:2]) == {"health", "order"}


def test_a_stopped_run_waits_for_nothing() -> None:
    stage = VerifiedStage()
    setting("deliver", lambda *_: None)(stage)
    run = stage.run(patience=1.0)
    run.stop()

    outcome = BY_NAME["order"].run(run)

    assert (outcome.state, outcome.evidence) == (State.SKIPPED, "the run was stopped")
    assert outcome.seconds < RECORD_LIMIT_SECONDS / 3


def test_a_stopped_run_gives_back_the_dead_letters_that_it_looks_at() -> None:
    stage = VerifiedStage()
    stage.letters.add(sqs_message(f"{RUN}-poison: this is no order"))
    run = stage.run()
    run.stop()

    outcome = BY_NAME["poison"].run(run)

    assert outcome.state is State.SKIPPED
    assert not stage.letters.hidden
    assert len(stage.letters.messages) == 2


@pytest.mark.parametrize(
    ("body", "owner"),
    [
        (f"{RUN}-poison: this is no order", RUN),
        (order_text(f"{RUN}-first"), RUN),
        (f"{RUN}-poison", None),
        (f"{RUN}-poison: this is no order ", None),
        (f"x{RUN}-poison: this is no order", None),
        (order_text(f"{RUN}-First"), None),
        (order_text("verify-1"), None),
        ("", None),
    ],
)
def test_only_letters_of_these_checks_are_taken(body: str, owner: str | None) -> None:
    stage = VerifiedStage()
    stage.letters.add(sqs_message(body))
    run = stage.run()

    (letter,) = run.desk.dead_letters.look()
    taken = run.letters.take_own()

    assert owner_of(letter) == owner
    assert taken == (1 if owner else 0)
    assert len(stage.letters.messages) == (0 if owner else 1)


def test_a_caller_who_may_not_look_at_dead_letters_makes_the_other_checks() -> None:
    def refuse(*_: Any) -> None:
        raise StoreUnavailable("SQS ReceiveMessage: AccessDenied")

    stage = VerifiedStage()
    setting("letters.receive", refuse)(stage)
    run = stage.run()

    said = run.letters.tidy()
    outcomes = [outcome for _, outcome in run_checks([BY_NAME["poison"], BY_NAME["order"]], run)]

    assert said.endswith("can't be taken away: SQS ReceiveMessage: AccessDenied")
    assert {outcome.state for outcome in outcomes} == {State.SKIPPED, State.PASS}


def test_letters_of_an_earlier_run_are_told_of_once() -> None:
    stage = VerifiedStage()
    stage.letters.add(sqs_message(f"{RUN}-poison: this is no order"))
    run = stage.run()

    said = [run.letters.tidy(), run.letters.tidy()]

    assert said == ["Dead letters of an earlier run, taken away: 1", ""]


@pytest.mark.parametrize("name", ["poison", "ten-attributes"])
def test_a_long_dead_letter_queue_is_not_looked_through(name: str) -> None:
    stage = VerifiedStage()
    stage.letters.add(*(sqs_message("[]") for _ in range(MOST_LETTERS)))

    outcome = stage.verify(BY_NAME[name])

    assert outcome.state is State.SKIPPED
    assert f"more than {MOST_LETTERS} letters" in outcome.evidence
    assert {message.receive_count for message in stage.letters.messages.values()} == {1}


def test_a_deployed_api_is_found_in_its_region() -> None:
    assert (
        api_url_of(cast("Any", VerifiedStage()))
        == "https://a1.execute-api.eu-west-1.amazonaws.com/prod"
    )


def test_an_api_on_an_emulator_is_found_at_the_emulators_address() -> None:
    stage = VerifiedStage()
    stage.services["apigateway"].meta.endpoint_url = EMULATOR_URL

    assert api_url_of(cast("Any", stage)) == f"{EMULATOR_URL}/restapis/a1/prod/_user_request_"


@pytest.mark.parametrize(
    ("break_it", "said"),
    [
        (
            setting("services.apigateway.get_stages", lambda **_: {"item": []}),
            "type `make deploy STAGE=prod`",
        ),
        (setting("services.apigateway.get_paginator", lambda _: refused()), "Or say it with --api"),
    ],
)
def test_a_missing_api_says_what_to_type(break_it: Break, said: str) -> None:
    stage = VerifiedStage()
    break_it(stage)

    with pytest.raises(StageUnavailable, match=said):
        api_url_of(cast("Any", stage))


def refused() -> None:
    raise refusal("AccessDenied")


def test_another_program_on_the_port_of_the_local_api_is_not_tried_out() -> None:
    class Other(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer((LOOPBACK, 0), Other) as server:
        Thread(target=server.handle_request).start()
        url = f"http://{LOOPBACK}:{server.server_port}"
        done = typed("--api-url", url, name="local")

    assert done.exit_code == 3
    assert done.stderr == (
        f"Error: It is another program that answers at {url}: say with --api-url where the API "
        "is.\n"
    )


def typed(*arguments: str, stdin: str = "", name: str = "prod") -> Result:
    stage = VerifiedStage()
    vars(stage).update(name=name, is_local=name == "local")
    desk = SimpleNamespace(stage=stage, dead_letters=None, unreadable=())
    nowhere = ("--api-url", f"http://127.0.0.1:{free_port()}")
    return CliRunner(env={"NO_COLOR": "1"}).invoke(
        main, ["verify", *nowhere, *arguments], input=stdin, obj=lambda *_: desk
    )


def test_orders_go_into_a_stage_that_matters_only_after_a_yes() -> None:
    refused, agreed, told, quiet = (
        typed(stdin="n\n"),
        typed(stdin="y\n"),
        typed("--yes"),
        typed("--no-orders"),
    )

    assert refused.exit_code == 1
    assert "some 50 orders of 0.01" in refused.stderr
    assert "(stage prod, as" in refused.stderr
    for done in (agreed, told, quiet):
        assert done.exit_code == 3
        assert "Nothing answers at" in done.stderr
    assert "orders of 0.01" not in told.stderr + quiet.stderr
    assert "orders of 0.01" not in typed(name="dev").stderr


@pytest.mark.parametrize("address", ["https://a1.example/prod", "http://10.0.0.1:8000"])
def test_orders_go_to_an_address_elsewhere_only_after_a_yes(address: str) -> None:
    """It may be the API of another stage than the one that is named."""
    refused = typed("--api-url", address, stdin="n\n", name="dev")

    assert refused.exit_code == 1
    assert "some 50 orders of 0.01" in refused.stderr


@pytest.mark.parametrize("address", ["a1/prod", "a1.example", "ftp://a1.example", "https://"])
def test_nothing_goes_to_what_is_no_address(address: str) -> None:
    refused = typed("--api-url", address, "--yes", name="dev")

    assert refused.exit_code == 2
    assert "is not an address like" in refused.stderr


def test_the_list_needs_no_stage() -> None:
    done = CliRunner().invoke(main, ["verify", "--list"])

    assert done.exit_code == 0
    assert [line.split()[0] for line in done.stdout.splitlines()] == list(BY_NAME)


def test_a_choice_of_nothing_is_refused() -> None:
    assert typed("--only", "order", "--no-orders").exit_code == 2
    assert typed("--only", "orders").exit_code == 2


def test_without_orders_nothing_is_sent() -> None:
    stage = VerifiedStage()
    run = stage.run()

    outcomes = dict(run_checks([each for each in CHECKS if not each.sends], run))

    assert {outcome.state for outcome in outcomes.values()} == {State.PASS}
    assert not stage.application.fake_records.all()
    assert not stage.letters.messages
    assert json.dumps(run.mark) not in "".join(stage.log)


def out_of_reach(output: str, code: str = "") -> CheckResult:
    failure = StoreUnavailable(f"S3 HeadBucket: {code}") if code else None
    return CheckResult(HealthStatus.FAIL, 5000, output, failure)


def run_over(**found: CheckResult) -> Run:
    """Make a run over a stage of which each of these is found so."""
    run = VerifiedStage().run(patience=1)
    vars(run.desk)["health"] = lambda: HealthReport(found)
    run.find_dead()
    return run


def test_what_needs_a_dead_store_is_not_checked_and_never_passed() -> None:
    run = run_over(
        queue=CheckResult(HealthStatus.PASS, 5), bucket=out_of_reach("no answer within 5000 ms")
    )

    outcomes = dict(run_checks(CHECKS, run))

    assert run.dead == {"bucket": "no answer within 5000 ms"}
    assert {each.name for each in CHECKS if outcomes[each].state is State.PASS} == {
        each.name for each in CHECKS if BUCKET not in each.needs
    }
    assert {outcomes[each] for each in CHECKS if BUCKET in each.needs} == {
        Outcome(State.SKIPPED, "not checked: it needs the bucket, out of reach")
    }
    assert all(each.needs == ALL for each in CHECKS if each.sends)


def test_nothing_waits_once_something_is_dead() -> None:
    """An API whose store is dead is not well for as long as that lasts."""
    run = run_over(table=out_of_reach("can't be reached"))
    vars(run.api)["send"] = lambda *_, **__: Answer(503, {"status": "fail"})

    outcome = BY_NAME["health"].run(run)

    assert outcome.state is State.FAIL
    assert outcome.seconds < HEALTH_LIMIT_SECONDS / 3


@pytest.mark.parametrize("code", ["AccessDenied", "403"])
def test_a_store_that_refuses_the_caller_is_not_dead(code: str) -> None:
    """Each check says by itself which right is missing."""
    run = run_over(
        bucket=out_of_reach("can't be reached", code),
        deadLetterQueue=CheckResult(HealthStatus.WARN, 5, "is not empty"),
    )

    assert run.dead == {}
