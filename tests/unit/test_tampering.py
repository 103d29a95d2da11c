"""Seals find each kind of tampering behind the system's back, and name what was tampered with."""

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any

import pytest

from chalicelib.services.seal import ONE_DAY, Seal
from ops.desk.seal_findings import SealCounts
from ops.desk.seals import MOST_OF_A_GAP, NothingSealed
from tests.made_proofs import SigningKey, signed
from tests.sealed_stage import FIRST, SECOND, THIRD, SealedStage, sealed_stage

ORDER, REJECTED = "order-02-0", "order-02-2"
Found = set[tuple[str, date, str]]


@pytest.fixture(scope="module")
def one_stage() -> Iterator[SealedStage]:
    with sealed_stage() as stage:
        yield stage


@pytest.fixture
def stage(one_stage: SealedStage) -> Iterator[SealedStage]:
    with one_stage.left_as_it_was():
        yield one_stage


def found(stage: SealedStage, *days: date, **options: Any) -> Found:
    findings = stage.findings(*days, **options)
    return {(each.fault.value, each.day, each.order_id) for each in findings}


def test_nothing_is_found_where_nobody_tampered(stage: SealedStage) -> None:
    counts = SealCounts()

    run = stage.seals().run()

    assert list(run.findings(counts, archive=True)) == []
    assert (counts.days, counts.records, counts.entries) == (3, 9, 3)
    assert (counts.payloads, counts.objects, counts.uncompared) == (3, 6, 0)


# Each attribute with a value of its own type and another one; and what is no attribute of ours.
CHANGES: dict[str, Any] = {
    "submissionId": {"S": "another"},
    "status": {"S": "DUPLICATE"},
    "payloadSha256": {"S": "0" * 64},
    "receivedAt": {"S": "2026-03-02T12:00:00.001Z"},
    "processedAt": {"S": "2026-03-02T12:00:00.001Z"},
    "receiveCount": {"N": "2"},
    "terms": {"M": {"amount": {"N": "11"}}},
    "errors": {"L": [{"S": "amount"}]},
    "differs": {"L": [{"S": "amount"}]},
    "valid": {"BOOL": False},
    "isDuplicate": {"BOOL": True},
    "s3Key": {"S": "orders/order-02-0/x.json"},
    "submittedBy": {"S": "somebody"},
    "sentBy": {"S": "somebody"},
    "messageChannel": {"S": "web"},
    "ignoredAttributes": {"L": []},
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_changed_attribute_of_a_record_is_found(stage: SealedStage, name: str) -> None:
    stage.put(stage.item(ORDER) | {name: CHANGES[name]})

    assert found(stage) == {("changed", SECOND, ORDER)}


@pytest.mark.parametrize("name", ["status", "payloadSha256", "receiveCount", "terms", "valid"])
def test_an_attribute_of_another_type_is_found(stage: SealedStage, name: str) -> None:
    """A number and the text of its digits are not the same."""
    (value,) = stage.item(ORDER)[name].values()
    stage.put(stage.item(ORDER) | {name: {"L": [{"S": str(value)}]}})

    assert found(stage) == {("changed", SECOND, ORDER)}


@pytest.mark.parametrize("name", ["status", "receiveCount", "terms", "s3Key"])
def test_an_attribute_that_was_taken_off_is_found(stage: SealedStage, name: str) -> None:
    stage.put({key: value for key, value in stage.item(ORDER).items() if key != name})

    assert found(stage) == {("changed", SECOND, ORDER)}


def test_a_change_within_the_terms_is_found(stage: SealedStage) -> None:
    item = stage.item(ORDER)
    item["terms"]["M"]["toAccount"] = {"S": "6666666"}
    stage.put(item)

    assert found(stage) == {("changed", SECOND, ORDER)}


def test_another_way_to_write_the_same_number_is_no_change(stage: SealedStage) -> None:
    item = stage.item(ORDER)
    item["receiveCount"] = {"N": "1.0"}
    stage.put(item)

    assert found(stage) == set()


def test_a_record_that_was_changed_and_changed_back_is_as_it_was_sealed(stage: SealedStage) -> None:
    before = stage.item(ORDER)
    stage.put(before | {"status": {"S": "REJECTED"}})
    stage.put(before)

    assert found(stage) == set()


def test_a_record_that_is_gone_is_found(stage: SealedStage) -> None:
    stage.delete(stage.item(ORDER))

    assert found(stage) == {("removed", SECOND, ORDER)}


def test_a_record_that_was_added_to_a_sealed_day_is_found(stage: SealedStage) -> None:
    stage.record("order-late", FIRST, hour=14)

    assert found(stage) == {("added", FIRST, "order-late")}


def test_a_record_under_another_slot_is_found(stage: SealedStage) -> None:
    stage.put(stage.item(ORDER) | {"recordId": {"S": "2#copy"}})

    assert found(stage) == {("added", SECOND, ORDER)}


def test_the_text_of_a_rejected_order_that_was_changed_is_found(stage: SealedStage) -> None:
    stage.put(stage.item(REJECTED) | {"payload": {"S": '{"id": "order-02-2"}'}})

    assert found(stage) == {("payload", SECOND, REJECTED)}


def test_the_text_of_a_rejected_order_that_is_gone_is_found(stage: SealedStage) -> None:
    item = stage.item(REJECTED)
    del item["payload"]
    stage.put(item)

    assert found(stage) == {("payload", SECOND, REJECTED)}


@pytest.mark.parametrize("name", ["auditPartition", "auditPosition"])
def test_a_record_that_was_taken_out_of_the_index_is_hidden_and_not_gone(
    stage: SealedStage, name: str
) -> None:
    item = stage.item(ORDER)
    del item[name]
    stage.put(item)

    assert found(stage) == {("hidden", SECOND, ORDER)}


def test_a_record_that_was_changed_and_taken_out_of_the_index_is_changed(
    stage: SealedStage,
) -> None:
    item = stage.item(ORDER) | {"status": {"S": "REJECTED"}}
    del item["auditPartition"]
    stage.put(item)

    assert found(stage) == {("changed", SECOND, ORDER)}


def test_a_record_that_was_moved_to_another_day_is_hidden_from_its_own(stage: SealedStage) -> None:
    stage.put(stage.item(ORDER) | {"auditPartition": {"S": "2026-03-03#0"}})

    assert found(stage) == {("hidden", SECOND, ORDER), ("added", THIRD, ORDER)}


def test_an_object_of_the_archive_is_compared_if_it_is_asked_for(stage: SealedStage) -> None:
    key = stage.item(ORDER)["s3Key"]["S"]
    stage.put_object(key, b"{}")

    assert found(stage) == set()
    assert found(stage, archive=True) == {("object", SECOND, ORDER)}


def test_an_object_that_is_gone_from_the_archive_is_found(stage: SealedStage) -> None:
    stage.delete_object(stage.item(ORDER)["s3Key"]["S"])

    assert found(stage, archive=True) == {("object", SECOND, ORDER)}


@pytest.mark.parametrize("name", ["at", "who", "what", "stage", "why", "details", "new"])
def test_a_changed_entry_of_the_audit_trail_is_found(stage: SealedStage, name: str) -> None:
    entry = stage.entry(SECOND)
    stage.put(entry | {name: {"S": "another"}})

    assert found(stage) == {("changed", SECOND, "#audit/2026-03-02")}


def test_an_entry_of_the_audit_trail_that_is_gone_is_found(stage: SealedStage) -> None:
    stage.delete(stage.entry(SECOND))

    assert found(stage) == {("removed", SECOND, "#audit/2026-03-02")}


def test_an_entry_of_the_audit_trail_that_was_added_is_found(stage: SealedStage) -> None:
    record_id = {"S": "2026-03-02T15:00:00.000Z#00000000-0000-4000-8000-000000000000"}
    stage.put(stage.entry(SECOND) | {"recordId": record_id})

    assert found(stage) == {("added", SECOND, "#audit/2026-03-02")}


def seal_of(stage: SealedStage, day: date) -> Seal:
    return Seal.from_json(stage.object(stage.seal_objects(day)[-1]))


def put_seal(stage: SealedStage, day: date, seal: Seal) -> None:
    stage.put_object(f"seals/{day}/seal.json", seal.to_json())


def _statement_changed(stage: SealedStage) -> None:
    seal = seal_of(stage, SECOND)
    put_seal(stage, SECOND, seal._replace(text=seal.text.replace("T01:00", "T02:00")))


def _signature_changed(stage: SealedStage) -> None:
    """Take the signature of another day's seal."""
    signature = seal_of(stage, FIRST).signature
    put_seal(stage, SECOND, seal_of(stage, SECOND)._replace(signature=signature))


def _signature_no_der(stage: SealedStage) -> None:
    put_seal(stage, SECOND, seal_of(stage, SECOND)._replace(signature=b"\x00"))


def _signed_by_another(stage: SealedStage) -> None:
    put_seal(stage, SECOND, signed(seal_of(stage, SECOND).text, SigningKey()))


def _other_algorithm(stage: SealedStage) -> None:
    put_seal(stage, SECOND, seal_of(stage, SECOND)._replace(algorithm="none"))


def _no_seal_at_all(stage: SealedStage) -> None:
    stage.put_object(f"seals/{SECOND}/seal.json", b"{}")


def _no_statement(stage: SealedStage) -> None:
    put_seal(stage, SECOND, signed("{}"))


def _of_another_day(stage: SealedStage) -> None:
    put_seal(stage, SECOND, seal_of(stage, FIRST))


def _of_another_stage(stage: SealedStage) -> None:
    put_seal(stage, SECOND, signed(seal_of(stage, SECOND).text.replace('"stage":"', '"stage":"x')))


def _removed(stage: SealedStage) -> None:
    stage.delete_object(f"seals/{SECOND}/seal.json")


def _first_removed(stage: SealedStage) -> None:
    stage.delete_object(f"seals/{FIRST}/seal.json")


def _day_removed(stage: SealedStage) -> None:
    for key in stage.seal_objects(SECOND):
        stage.delete_object(key)


def _leaves_changed(stage: SealedStage) -> None:
    (key, _) = stage.seal_objects(SECOND)
    stage.put_object(key, stage.object(key).replace(b"order-02-0", b"order-02-9"))


def _leaves_gone(stage: SealedStage) -> None:
    stage.delete_object(stage.seal_objects(SECOND)[0])


def _leaves_swapped(stage: SealedStage) -> None:
    stage.put_object(stage.seal_objects(SECOND)[0], stage.object(stage.seal_objects(FIRST)[0]))


def _leaves_empty(stage: SealedStage) -> None:
    stage.put_object(stage.seal_objects(SECOND)[0], b"")


def _leaves_no_text(stage: SealedStage) -> None:
    stage.put_object(stage.seal_objects(SECOND)[0], b"\xff")


def _resigned_with_one_leaf_less(stage: SealedStage) -> None:
    """Whoever has the key makes another seal of a day: the next one is chained to the first."""
    seal = seal_of(stage, SECOND)
    put_seal(stage, SECOND, signed(seal.text.replace("T01:00", "T02:00")))


BAD_SEALS: list[tuple[Callable[[SealedStage], None], Found]] = [
    # The next seal is chained to the digest of the statement that was signed.
    (_statement_changed, {("signature", SECOND, ""), ("chain", THIRD, "")}),
    (_signature_changed, {("signature", SECOND, "")}),
    (_signature_no_der, {("signature", SECOND, "")}),
    (_signed_by_another, {("signature", SECOND, "")}),
    (_other_algorithm, {("signature", SECOND, "")}),
    (_no_seal_at_all, {("bad_seal", SECOND, "")}),
    (_no_statement, {("bad_seal", SECOND, ""), ("chain", THIRD, "")}),
    (_of_another_day, {("other_seal", SECOND, ""), ("chain", THIRD, "")}),
    (_of_another_stage, {("other_seal", SECOND, ""), ("chain", THIRD, "")}),
    (_removed, {("no_seal", SECOND, "")}),
    (_first_removed, {("no_seal", FIRST, "")}),
    (_day_removed, {("no_seal", SECOND, "")}),
    (_leaves_changed, {("chunk", SECOND, "")}),
    (_leaves_gone, {("chunk", SECOND, "")}),
    (_leaves_swapped, {("chunk", SECOND, "")}),
    (_leaves_empty, {("chunk", SECOND, "")}),
    (_leaves_no_text, {("chunk", SECOND, "")}),
    (_resigned_with_one_leaf_less, {("chain", THIRD, "")}),
]


@pytest.mark.parametrize(
    ("tamper", "expected"), BAD_SEALS, ids=[it[0].__name__ for it in BAD_SEALS]
)
def test_a_seal_that_was_tampered_with_is_found(
    stage: SealedStage, tamper: Callable[[SealedStage], None], expected: Found
) -> None:
    tamper(stage)

    assert found(stage) == expected


def test_a_record_is_found_beside_a_seal_that_was_tampered_with(stage: SealedStage) -> None:
    """An attacker who breaks the signature as well does not get the record out of sight."""
    _signature_changed(stage)
    stage.put(stage.item(ORDER) | {"status": {"S": "REJECTED"}})

    assert found(stage) == {("signature", SECOND, ""), ("changed", SECOND, ORDER)}


def test_items_whose_leaves_are_gone_are_counted_and_not_called_added(stage: SealedStage) -> None:
    _leaves_gone(stage)
    counts = SealCounts()

    list(stage.seals().run().findings(counts))

    assert counts.uncompared == 4


def test_a_cut_off_end_is_found_by_a_digest_that_was_noted_elsewhere(stage: SealedStage) -> None:
    noted = seal_of(stage, THIRD).digest.hex()
    for key in stage.seal_objects(THIRD):
        stage.delete_object(key)

    # The chain that is left is whole: nobody can tell who does not know its end.
    assert found(stage) == set()
    assert stage.seals().run().newest.day == SECOND
    assert found(stage, expected=noted) == {("expected", SECOND, "")}
    assert found(stage, FIRST, THIRD) == {("no_seal", THIRD, "")}


def test_lists_of_leaves_after_the_newest_seal_are_named(stage: SealedStage) -> None:
    stage.delete_object(f"seals/{THIRD}/seal.json")

    assert stage.seals().run().unfinished == [THIRD]


@pytest.mark.parametrize("day", [FIRST, SECOND, THIRD])
def test_a_digest_that_was_noted_is_found_wherever_it_is_in_the_chain(
    stage: SealedStage, day: date
) -> None:
    assert found(stage, expected=seal_of(stage, day).digest.hex()) == set()


def rewrite(stage: SealedStage, key: SigningKey) -> None:
    """Seal all days anew, after a change, as whoever may write to the bucket could."""
    stage.put(stage.item(ORDER) | {"status": {"S": "REJECTED"}, "payload": {"S": "x"}})
    for day in (FIRST, SECOND, THIRD):
        for name in stage.seal_objects(day):
            stage.delete_object(name)
    stage.seal(key=key)


def test_a_whole_chain_that_was_rewritten_is_found_by_the_key_alone(stage: SealedStage) -> None:
    forger = SigningKey()
    rewrite(stage, forger)

    by_the_forgers_key = {fault for fault, _, _ in found(stage, key=forger)}
    by_the_known_key = {(fault, day) for fault, day, _ in found(stage)}
    assert by_the_forgers_key <= {"payload"}
    assert {("signature", day) for day in (FIRST, SECOND, THIRD)} <= by_the_known_key


@pytest.fixture
def late(stage: SealedStage) -> SealedStage:
    """Record what belongs to the third day when that is sealed already."""
    fourth = THIRD + timedelta(days=1)
    stage.record("order-late", THIRD, hour=23)
    stage.fill(fourth)
    stage.seal(upto=fourth)
    assert seal_of(stage, fourth).statement.late == 1
    return stage


def test_what_came_late_is_in_a_later_seal_and_no_finding(late: SealedStage) -> None:
    assert found(late) == set()


def test_a_record_that_came_late_is_watched_as_others_are(late: SealedStage) -> None:
    late.put(late.item("order-late") | {"status": {"S": "REJECTED"}})

    assert found(late) == {("changed", THIRD, "order-late")}


def test_a_later_seal_that_nobody_signed_vouches_for_no_late_record(late: SealedStage) -> None:
    fourth = THIRD + timedelta(days=1)
    put_seal(late, fourth, seal_of(late, fourth)._replace(signature=b""))

    assert found(late) == {("signature", fourth, ""), ("added", THIRD, "order-late")}


def test_a_record_that_was_changed_is_not_made_good_by_a_later_seal(stage: SealedStage) -> None:
    """Nobody's change gets into a seal as something that came late."""
    fourth = THIRD + timedelta(days=1)
    stage.put(stage.item("order-03-0") | {"status": {"S": "REJECTED"}})
    stage.fill(fourth)
    stage.seal(upto=fourth)

    assert found(stage) == {("changed", THIRD, "order-03-0")}


def test_a_run_without_any_seal_says_so(stage: SealedStage) -> None:
    for day in (FIRST, SECOND, THIRD):
        stage.delete_object(f"seals/{day}/seal.json")

    with pytest.raises(NothingSealed, match="no day is sealed"):
        stage.seals().run()


def test_a_period_before_the_first_seal_says_what_is_sealed(stage: SealedStage) -> None:
    long_ago = date(2020, 1, 1)

    with pytest.raises(NothingSealed, match=f"{FIRST} to {THIRD} are sealed"):
        stage.seals().run(long_ago, long_ago)


def test_a_later_start_still_checks_the_link_to_the_day_before(stage: SealedStage) -> None:
    _resigned_with_one_leaf_less(stage)

    assert found(stage, THIRD) == {("chain", THIRD, "")}


def test_a_period_before_the_first_seal_is_named_beside_what_is_sealed(stage: SealedStage) -> None:
    """Who asks for more than is sealed does not hear that all is well."""
    asked = FIRST - timedelta(days=9)

    assert found(stage, asked, THIRD) == {("no_seal", asked, "")}


@pytest.mark.parametrize("tamper", [_removed, _signature_changed, _no_seal_at_all])
def test_a_period_needs_the_seals_behind_it_which_have_its_late_records(
    stage: SealedStage, tamper: Callable[[SealedStage], None]
) -> None:
    tamper(stage)

    assert {day for _, day, _ in found(stage, FIRST, FIRST)} == {SECOND}


def test_a_late_records_list_that_is_gone_is_found_from_its_own_day(late: SealedStage) -> None:
    fourth = THIRD + timedelta(days=1)
    late.delete(late.item("order-late"))
    late.delete_object(late.seal_objects(fourth)[0])

    assert found(late, THIRD, THIRD) == {("chunk", fourth, "")}
    assert len(late.findings()) == 1


def _unlisted(item: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in item.items() if not name.startswith("audit")}


def _of_another_shard(item: dict[str, Any]) -> dict[str, Any]:
    return item | {"auditPartition": {"S": f"{SECOND}#99"}}


def _before_the_first_seal(item: dict[str, Any]) -> dict[str, Any]:
    return item | {
        "auditPartition": {"S": "2020-01-01#0"},
        "auditPosition": {"S": f"2020-01-01T12:00:00.000Z#{'0' * 16}"},
    }


def _of_no_time(item: dict[str, Any]) -> dict[str, Any]:
    return item | {"processedAt": {"S": "never"}, "auditPartition": {"S": "never#0"}}


def _in_a_history(item: dict[str, Any]) -> dict[str, Any]:
    return item | {"historyPosition": item["auditPosition"]}


def _out_of_its_history(item: dict[str, Any]) -> dict[str, Any]:
    return item | {"recordId": {"S": "1#CORRECTION"}}


@pytest.mark.parametrize(
    "forge",
    [
        _unlisted,
        _of_another_shard,
        _before_the_first_seal,
        _of_no_time,
        _in_a_history,
        _out_of_its_history,
    ],
)
def test_a_forged_record_that_no_list_shows_is_found_in_the_table(
    stage: SealedStage, forge: Callable[[dict[str, Any]], dict[str, Any]]
) -> None:
    """The API answers with it, by its key."""
    item = stage.item(ORDER)
    stage.put(forge(item | {"orderId": {"S": "order-forged"}}))
    run, counts = stage.seals().run(), SealCounts()

    findings = {(each.fault.value, each.order_id) for each in run.findings(counts, table=True)}

    assert ("hidden", "order-forged") in findings
    assert counts.table == 10


def test_the_end_that_was_deleted_is_found_as_long_as_the_bucket_keeps_its_versions(
    stage: SealedStage,
) -> None:
    for key in stage.seal_objects(THIRD):
        stage.put_marker(key)

    assert found(stage) == {("no_seal", THIRD, "")}
    assert found(stage, FIRST, FIRST) == set()


def test_a_day_that_was_changed_and_sealed_anew_by_the_stage_itself_is_found(
    stage: SealedStage,
) -> None:
    """Who can delete seals need not have the key: whoever seals next signs what is there then."""
    stage.put(stage.item("order-03-0") | {"status": {"S": "DUPLICATE"}})
    for key in stage.seal_objects(THIRD):
        stage.put_marker(key)
    stage.seal()

    assert found(stage) == {("rewritten", THIRD, "")}
    assert found(stage, THIRD) == {("rewritten", THIRD, "")}
    assert found(stage, FIRST, SECOND) == set()


@pytest.mark.parametrize(
    ("attributes", "fault"),
    [
        ({"status": {"S": "REJECTED"}, "payload": {"S": "x"}}, "payload"),
        ({"status": {"S": "REJECTED"}, "payload": {"N": "1"}}, "payload"),
        ({"status": {"N": "1"}, "s3Key": {"S": "orders/none"}}, "object"),
    ],
)
def test_a_forged_record_that_was_sealed_ends_no_verifying(
    stage: SealedStage, attributes: dict[str, Any], fault: str
) -> None:
    """Somebody's own item may lack whatever a record has."""
    fourth = THIRD + timedelta(days=1)
    position = f"{fourth}T01:00:00.000Z#{'0' * 16}"
    keys = {"orderId": "forged", "recordId": "0#FIRST", "auditPosition": position}
    listed = {"auditPartition": {"S": f"{fourth}#0"}}
    stage.put({name: {"S": text} for name, text in keys.items()} | listed | attributes)
    stage.seal(upto=fourth)

    findings = found(stage, archive=True, table=True)

    assert (fault, fourth, "forged") in findings


def _forged_seal_of(stage: SealedStage, day: date) -> None:
    text = seal_of(stage, THIRD).text.replace(f'"day":"{THIRD}"', f'"day":"{day}"')
    text = text.replace(f'"previousDay":"{SECOND}"', f'"previousDay":"{day - ONE_DAY}"')
    put_seal(stage, day, signed(text, SigningKey()))


@pytest.mark.parametrize("day", [date(1, 1, 3), date(9999, 12, 27)])
def test_a_seal_of_another_age_keeps_nobody_from_verifying(stage: SealedStage, day: date) -> None:
    """Who may put a seal could make it end in years, or in a traceback."""
    _forged_seal_of(stage, day)
    stage.put(stage.item(ORDER) | {"status": {"S": "DUPLICATE"}})
    counts = SealCounts()

    findings = found_by(stage, counts)

    assert {("changed", SECOND), ("signature", day)} <= findings
    assert counts.days <= 2 * MOST_OF_A_GAP


@pytest.mark.parametrize("day", [date.min, date.max])
def test_a_seal_at_an_end_of_the_calendar_is_no_seal(stage: SealedStage, day: date) -> None:
    stage.put_object(f"seals/{day}/seal.json", b"{}")

    assert found(stage) == set()


def found_by(stage: SealedStage, counts: SealCounts) -> set[tuple[str, date]]:
    return {(each.fault.value, each.day) for each in stage.seals().run().findings(counts)}
