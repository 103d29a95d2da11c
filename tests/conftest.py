"""Fixtures for several kinds of tests: an environment of their own, and one emulator for all."""

import gc
import os
from collections.abc import Generator, Iterator

import pytest
from hypothesis import HealthCheck, settings

from ops.local.stack import LocalResources
from tests.contract.dynamodb_local import DynamoDBLocal
from tests.environment import same_everywhere

# They stand here: the process that sums up the workers' results loads no other conftest.
pytest_plugins = [
    *("tests.aws_limits.plugin", "tests.aws_parts.plugin", "tests.configuration.plugin"),
    *("tests.quick_botocore", "tests.quick_moto", "tests.quick_packaging"),
    "tests.simulation.tally",
]

# Hypothesis tries the same examples in every run, unless HYPOTHESIS_PROFILE=thorough. A machine may
# be busy, and no test measures time.
PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("repeatable", PATIENT, derandomize=True, max_examples=200)
settings.register_profile("thorough", PATIENT, max_examples=5_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))

# New objects, and younger generations, before Python looks for garbage: usually 700, 10 and 10.
SELDOM = (10_000, 20, 20)

# By how long they take, over 5 seconds. All others follow in their usual order.
LONGEST = (
    "test_commands_as_typed.py",
    "test_behind_a_proxy.py",
    "test_hostile_texts.py",
    "test_accounts_shown.py",
    "test_roles.py",
    "test_schedules.py",
    "test_packaged_deployment.py",
    "test_ops_commands.py",
    "test_package_command.py",
    "test_deploy_commands.py",
    "test_others.py",
    "test_stories.py",
    "test_events_tail.py",
    "test_events.py",
    "test_make_run_keeps.py",
    "test_make_run.py",
    "test_kept_state.py",
    "test_submit_lines.py",
    "test_bulk_submission.py",
    "test_endpoints.py",
    "test_reproducible.py",
    "test_packaging.py",
    "test_verify.py",
    "test_application.py",
    "test_pumped.py",
    "test_slow_dependencies.py",
    "test_frame.py",
    "test_chalice_deploy.py",
    "test_functions.py",
    "test_recovery.py",
    "test_strangers.py",
    "test_message_attributes.py",
    "test_record_store.py",
    "test_sam.py",
    "test_local_stack.py",
    "test_chaos.py",
)


@pytest.hookimpl(tryfirst=True)
def pytest_configure() -> None:
    """
    Begin in the same environment on every machine; the processes that tests start inherit it.

    It goes first: what other plugins set then stays.
    """
    same = same_everywhere(os.environ)
    os.environ.clear()
    os.environ.update(same)


@pytest.fixture(autouse=True)
def _the_environment_stays_itself() -> Iterator[None]:
    """Chalice's test client replaces os.environ for each call: in two threads at once, for good."""
    environment = os.environ
    # Each Chalice app adds to it, and it goes with each request: after hundreds of apps, a server
    # refuses the headers for their length.
    environment.pop("AWS_EXECUTION_ENV", None)
    yield
    assert os.environ is environment


@pytest.fixture(scope="session")
def local_resources() -> Iterator[LocalResources]:
    """Start an AWS emulator with the template's resources in it."""
    with LocalResources() as resources:
        yield resources


@pytest.fixture(scope="session")
def dynamodb_local_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DynamoDBLocal]:
    """Start AWS's own DynamoDB engine. A test that asks for it has its `aws_part` for a mark."""
    with DynamoDBLocal(tmp_path_factory.mktemp("dynamodb-local")) as server:
        yield server


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """
    List the tests without looking for garbage, and never look through the list for it.

    Tens of thousands of tests stay until the end: to look through them over and over took a
    quarter of the time of listing them, and went on while they ran. What they make is looked
    through more seldom than usual too, which took up to a fifth of their time.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.set_threshold(*SELDOM)
        gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest files, so that not all other workers wait for one at the end."""
    places = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path.name, len(LONGEST)))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name the tests that were skipped for want of a browser: last, and loudly."""
    skipped = terminalreporter.getreports("skipped")
    reasons = {str(report.longrepr[2]) for report in skipped if isinstance(report.longrepr, tuple)}
    for reason in sorted(reason for reason in reasons if "NO BROWSER" in reason):
        terminalreporter.write_line(reason.removeprefix("Skipped: "), yellow=True, bold=True)
