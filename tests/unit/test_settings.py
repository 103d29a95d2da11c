"""Settings: safe defaults, and errors that name what is missing."""

import pytest

from chalicelib.settings import AppSettings, LogSettings, Settings, SettingsError

RESOURCES = {
    "ORDERS_QUEUE_URL": "https://sqs/orders",
    "ORDERS_DLQ_URL": "https://sqs/orders-dlq",
    "ORDERS_BUCKET": "orders",
    "ORDERS_TABLE": "orders",
}


def test_settings_need_only_the_resources() -> None:
    settings = Settings.from_env(RESOURCES)

    assert settings.queue_url == "https://sqs/orders"
    assert settings.dead_letter_queue_url == "https://sqs/orders-dlq"
    assert (settings.bucket, settings.table) == ("orders", "orders")
    assert not settings.partial_batch
    assert settings.audit_shards == 4


def test_the_error_says_what_sets_a_missing_resource() -> None:
    with pytest.raises(SettingsError) as raised:
        Settings.from_env({})

    assert '"python -m ops resources up --stage STAGE"' in str(raised.value)
    assert '"make run"' in str(raised.value)


@pytest.mark.parametrize("name", RESOURCES)
@pytest.mark.parametrize("value", [None, ""])
def test_the_error_names_the_missing_resource(name: str, value: str | None) -> None:
    environment = {**RESOURCES, name: value}

    with pytest.raises(SettingsError, match=f"{name} is not set"):
        Settings.from_env({key: text for key, text in environment.items() if text is not None})


def test_a_stage_is_closed_by_default() -> None:
    assert AppSettings.from_env({}).closed
    assert AppSettings.from_env({"ORDERS_AUTH": "iam"}).closed
    assert not AppSettings.from_env({"ORDERS_AUTH": "none"}).closed


def test_an_unknown_value_never_opens_a_stage() -> None:
    with pytest.raises(SettingsError, match="ORDERS_AUTH must be one of iam, none: it is 'off'"):
        AppSettings.from_env({"ORDERS_AUTH": "off"})


def test_the_app_can_be_packaged_without_resources() -> None:
    settings = AppSettings.from_env({})

    assert settings.queue_name == "orders-dev"
    assert (settings.batch_size, settings.batch_window_seconds) == (10, 0)


@pytest.mark.parametrize("text", ["0", "-1", "ten", "1.5", "99999", "\u0663"])
def test_a_batch_size_must_be_1_to_10000(text: str) -> None:
    with pytest.raises(SettingsError, match="ORDERS_BATCH_SIZE must be a whole number 1 to 10000"):
        AppSettings.from_env({"ORDERS_BATCH_SIZE": text})


@pytest.mark.parametrize(("text", "expected"), [("", None), ("2", 2), ("1000", 1000)])
def test_maximum_concurrency_is_lambdas_own_by_default(text: str, expected: int | None) -> None:
    settings = AppSettings.from_env({"ORDERS_MAXIMUM_CONCURRENCY": text})

    assert settings.maximum_concurrency == expected
    assert AppSettings.from_env({}).maximum_concurrency is None


@pytest.mark.parametrize("text", ["1", "0", "1001", "many"])
def test_maximum_concurrency_must_be_2_to_1000(text: str) -> None:
    with pytest.raises(SettingsError, match="ORDERS_MAXIMUM_CONCURRENCY must be a whole number 2"):
        AppSettings.from_env({"ORDERS_MAXIMUM_CONCURRENCY": text})


@pytest.mark.parametrize(("text", "expected"), [("", 20), ("0", 0), ("1000", 1000)])
def test_some_may_wait_by_default(text: str, expected: int) -> None:
    settings = Settings.from_env({**RESOURCES, "ORDERS_MAXIMUM_WAITING": text})

    assert settings.maximum_waiting == expected


@pytest.mark.parametrize("text", ["-1", "1001", "many", "1.5", "\u0663"])
def test_the_number_that_may_wait_must_be_0_to_1000(text: str) -> None:
    with pytest.raises(SettingsError, match="ORDERS_MAXIMUM_WAITING must be a whole number 0 to"):
        Settings.from_env({**RESOURCES, "ORDERS_MAXIMUM_WAITING": text})


def test_the_service_tells_stages_of_one_account_apart() -> None:
    assert LogSettings.from_env({}).service == "orders"
    assert LogSettings.from_env({"ORDERS_SERVICE": "orders-prod"}).service == "orders-prod"


def test_the_handler_tells_which_function_this_process_is() -> None:
    assert AppSettings.from_env({"_HANDLER": "app.process_orders"}).function == "process_orders"
    assert AppSettings.from_env({}).function == ""


def test_a_setting_enables_partial_batches() -> None:
    assert Settings.from_env({**RESOURCES, "ORDERS_PARTIAL_BATCH": "enabled"}).partial_batch


def test_the_archive_is_over_boto3_unless_a_setting_says_obstore() -> None:
    assert not Settings.from_env(RESOURCES).archive_over_obstore
    assert not Settings.from_env({**RESOURCES, "ORDERS_ARCHIVE": "boto3"}).archive_over_obstore
    assert Settings.from_env({**RESOURCES, "ORDERS_ARCHIVE": "obstore"}).archive_over_obstore
    with pytest.raises(SettingsError, match="ORDERS_ARCHIVE must be one of boto3, obstore: it is"):
        Settings.from_env({**RESOURCES, "ORDERS_ARCHIVE": "s3"})


def test_logs_are_json_unless_a_setting_says_text() -> None:
    assert LogSettings.from_env({}) == LogSettings("json", colour=False)
    assert LogSettings.from_env(
        {"ORDERS_LOG_FORMAT": "text", "ORDERS_LOG_COLOUR": "always"}
    ) == LogSettings("text", colour=True)
