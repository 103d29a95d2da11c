"""Each page's story, in both languages, with a screenshot and a check that everyone can use it."""

import json
import re
from typing import Any

import pytest
from playwright.sync_api import expect

from chalicelib.services.queries import OrderNotFound
from ops.console.charts import number_writer
from ops.console.formats import Formats
from ops.console.view import order_address
from ops.desk.order_bucket import OrderBucket
from tests.e2e.client import eventually
from tests.e2e.console.conftest import Site, Visitor
from tests.e2e.console.seed import (
    ACCOUNT,
    CLICKED_TWICE,
    CONFLICTING,
    CORRECTED,
    FORGED,
    dead_letter,
    order,
)

IN_ENGLISH = pytest.mark.parametrize("language", ["en"])
"""For what a page can do besides its story, which is told in both."""


def test_the_overview_sums_the_stage_up_in_one_line(visitor: Visitor) -> None:
    visitor.open("/")

    verdict = visitor.page.locator(".verdict")
    expect(verdict).to_be_visible()
    expect(verdict.get_by_role("link")).to_have_attribute("href", "/dead-letters")
    for key in ("throughput", "ages", "depths", "by_channel"):
        visitor.sees(visitor.t(f"overview.{key}"))
    expect(visitor.page.locator(".plot canvas")).to_have_count(4)
    visitor.finds_it_accessible()
    visitor.picture("overview")


def test_every_page_says_that_the_processing_is_paused(visitor: Visitor) -> None:
    processing = visitor.site.desk.processing
    processing.pause("DynamoDB is throttled")
    try:
        visitor.open("/health")

        banner = visitor.page.locator(".notice.warn").filter(has_text=visitor.t("pause.title"))
        expect(banner).to_contain_text("DynamoDB is throttled")
        expect(banner).to_contain_text("python -m ops resume")
        visitor.finds_it_accessible()
        visitor.finds_it_fitting()
        visitor.picture("pause")
        visitor.open("/audit")
        visitor.sees(visitor.t("pause.title"))
        visitor.sees(visitor.t("action.processing_pause"))
    finally:
        processing.resume()
    visitor.open("/health")
    expect(visitor.page.get_by_text(visitor.t("pause.title"))).to_have_count(0)


def test_plots_write_numbers_as_the_pages_do(visitor: Visitor) -> None:
    write = number_writer(visitor.t.language)

    for number in (7, 1200, 1234567):
        assert visitor.page.evaluate(f"({write})({number})") == Formats(visitor.t).number(number)
    assert visitor.page.evaluate(f"({write})(null)") == "—"


@IN_ENGLISH
def test_a_plot_tells_its_numbers_under_the_pointer(visitor: Visitor) -> None:
    """It is drawn: as HTML, it would have inline styles, of which the browser complains."""
    visitor.open("/?period=1h")
    plot = visitor.page.locator(".plot canvas").first
    box = plot.bounding_box()
    assert box
    before = plot.screenshot()

    visitor.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 3)

    eventually(lambda: plot.screenshot() != before)


@IN_ENGLISH
def test_each_plot_has_a_table_of_its_numbers(visitor: Visitor) -> None:
    visitor.open("/?period=1h")

    visitor.page.get_by_text(visitor.t("overview.as_table")).first.click()

    table = visitor.page.get_by_role("table", name=visitor.t("overview.throughput"))
    expect(table.get_by_role("row")).to_have_count(31)
    visitor.finds_it_accessible()


def test_orders_are_listed_newest_first_and_the_filter_is_in_the_address(visitor: Visitor) -> None:
    visitor.open("/orders")
    visitor.picture("orders")

    visitor.page.get_by_label(visitor.t("field.outcome")).select_option("REJECTED")
    visitor.page.wait_for_url("**/orders?status=REJECTED")
    visitor.wait_until_loaded()

    rows = visitor.page.locator("tbody tr")
    expect(rows.locator(".badge.rejected")).to_have_count(rows.count())
    times = rows.locator("time").evaluate_all("all => all.map(each => each.dateTime)")
    assert times == sorted(times, reverse=True)
    visitor.finds_it_accessible()


@IN_ENGLISH
def test_the_next_page_goes_on_where_the_last_one_ended(visitor: Visitor) -> None:
    visitor.open("/orders")
    first = set(visitor.page.locator("tbody time").evaluate_all("all => all.map(e => e.dateTime)"))

    visitor.link("orders.older").click()
    visitor.page.wait_for_url("**cursor=**")
    visitor.wait_until_loaded()

    second = set(visitor.page.locator("tbody time").evaluate_all("all => all.map(e => e.dateTime)"))
    assert max(second) <= min(first)
    visitor.link("orders.newest").click()
    visitor.page.wait_for_url(re.compile(r"/orders$"))


@IN_ENGLISH
def test_an_order_is_found_by_its_id(visitor: Visitor) -> None:
    visitor.open("/orders")

    visitor.page.keyboard.press("/")
    visitor.page.keyboard.type(CORRECTED)
    visitor.page.keyboard.press("Enter")
    visitor.page.wait_for_url(f"**/orders/{CORRECTED}")
    visitor.wait_until_loaded()

    expect(visitor.page.locator(".timeline > li")).to_have_count(2)
    visitor.sees(visitor.t("outcome.correction"))
    visitor.sees(visitor.t("amount.not_positive", got="0"))


def test_orders_are_found_by_an_account_that_no_address_and_no_list_shows(
    visitor: Visitor,
) -> None:
    visitor.open("/orders")

    visitor.page.get_by_label(visitor.t("search.account")).fill(ACCOUNT)
    visitor.page.get_by_label(visitor.t.label("amount")).fill("1250.5")
    visitor.button("search.apply").click()

    found = visitor.page.get_by_role("table", name=visitor.t("search.found"))
    expect(found).to_contain_text(CONFLICTING)
    expect(found.get_by_text(CONFLICTING)).to_have_count(2)
    visitor.sees(visitor.t("orders.end"))
    assert ACCOUNT not in visitor.page.url
    assert ACCOUNT not in visitor.page.content()
    visitor.finds_it_accessible()
    visitor.finds_it_fitting()
    visitor.picture("orders-search")
    visitor.button("search.back").click()
    expect(found).to_have_count(0)
    expect(visitor.page.locator("tbody tr").nth(10)).to_be_visible()
    visitor.open("/audit")
    entry = visitor.page.locator("tbody tr").first
    expect(entry).to_contain_text(visitor.t("action.accounts_searched"))
    expect(entry).to_contain_text("****7001")


def test_a_search_for_what_no_order_can_have_says_so_above_the_list(visitor: Visitor) -> None:
    visitor.open("/orders")
    visitor.page.get_by_label(visitor.t.label("amount")).fill("0.07")
    visitor.button("search.apply").click()
    visitor.sees(visitor.t("orders.none"))
    expect(visitor.page.locator("tbody")).to_be_hidden()

    visitor.page.get_by_label(visitor.t("search.account")).fill("DE89")
    visitor.button("search.apply").click()

    expect(visitor.page.get_by_role("alert")).to_contain_text(
        visitor.t("account.not_digits", position=1)
    )
    expect(visitor.page.locator("tbody tr").first).to_be_visible()
    visitor.finds_it_accessible()


@IN_ENGLISH
@pytest.mark.parametrize(
    ("form", "begins"), [("csv", b"orderId,"), ("ndjson", b"{"), ("parquet", b"PAR1")]
)
def test_a_list_can_be_exported_without_accounts(
    visitor: Visitor, form: str, begins: bytes
) -> None:
    visitor.open("/orders?status=DUPLICATE")

    with visitor.page.expect_download() as download:
        visitor.page.get_by_role("link", name=form.upper()).click()

    content = download.value.path().read_bytes()
    assert content.startswith(begins)
    assert ACCOUNT.encode() not in content
    if form == "ndjson":
        rows = [json.loads(line) for line in content.splitlines()]
        assert {row["status"] for row in rows} == {"DUPLICATE"}


def test_an_order_shows_all_its_submissions_and_where_they_differ(visitor: Visitor) -> None:
    visitor.open(f"/orders/{CONFLICTING}")

    expect(visitor.page.locator(".timeline > li")).to_have_count(3)
    changed = visitor.page.locator("td .changed")
    assert "1" in " ".join(changed.all_text_contents())
    expect(visitor.page.locator("pre")).to_contain_text('"****7001"')
    assert ACCOUNT not in visitor.page.content()
    visitor.finds_it_accessible()
    visitor.picture("order")


def test_the_page_of_an_impossible_id_does_not_say_that_an_order_is_on_its_way(
    visitor: Visitor,
) -> None:
    visitor.open("/orders/a%20b")

    visitor.sees(visitor.t("orders.bad_id", id="a b"))
    expect(visitor.page.get_by_text(visitor.t("order.unknown_hint"))).to_have_count(0)
    expect(visitor.button("order.show_accounts")).to_have_count(0)
    visitor.finds_it_accessible()


@IN_ENGLISH
def test_showing_accounts_writes_an_audit_entry(visitor: Visitor) -> None:
    visitor.open(f"/orders/{CONFLICTING}")

    visitor.button("order.show_accounts").click()

    expect(visitor.page.locator("pre")).to_contain_text(ACCOUNT)
    expect(visitor.button("order.show_accounts")).to_have_count(0)
    visitor.open("/audit")
    expect(visitor.page.locator("tbody tr").first).to_contain_text(CONFLICTING)
    expect(visitor.page.locator("tbody tr").first).to_contain_text(
        visitor.t("action.accounts_shown")
    )


@IN_ENGLISH
def test_an_order_can_be_copied_as_a_command_and_its_object_opened(visitor: Visitor) -> None:
    visitor.open(f"/orders/{CONFLICTING}")

    visitor.button("order.curl").click()

    dialog = visitor.page.get_by_role("dialog")
    hand_in, read = dialog.locator("pre").first, dialog.locator("pre").last
    expect(hand_in).to_contain_text("curl -i http://127.0.0.1:")
    # Typed again after no answer, it must count once.
    expect(hand_in).to_contain_text(re.compile(r"-H 'Idempotency-Key: [0-9a-f-]{36}'"))
    expect(read).to_contain_text(f"/orders/{CONFLICTING}/submissions/")
    visitor.finds_it_accessible()
    dialog.get_by_role("button", name=visitor.t("frame.close")).click()
    visitor.button("order.s3").click()
    link = dialog.get_by_role("link", name=visitor.t("order.s3_open"))
    answer = visitor.page.request.get(str(link.get_attribute("href")))
    assert json.loads(answer.text())["id"] == CONFLICTING


@IN_ENGLISH
@pytest.mark.parametrize(
    ("put", "key"),
    [
        ({"Body": b'{"id": "forged"}'}, "order.altered"),
        ({"Body": b"{}", "StorageClass": "GLACIER"}, "order.object_unreadable"),
    ],
)
def test_what_is_not_the_orders_text_is_never_shown_as_it(
    visitor: Visitor, site: Site, put: dict[str, Any], key: str
) -> None:
    desk = site.desk
    archived = desk.orders.show(CORRECTED).order.s3_key or ""
    desk.stage.s3.put_object(Bucket=desk.stage.settings.bucket, Key=archived, **put)

    visitor.open(f"/orders/{CORRECTED}")

    visitor.sees(visitor.t(key, fact="|", reason="|", command="|").split("|")[0])
    expect(visitor.page.get_by_text("forged")).to_have_count(0)
    expect(visitor.button("order.s3")).to_have_count(0)
    visitor.finds_it_accessible()
    OrderBucket(desk.stage.s3, desk.stage.settings.bucket).restore(archived)


@IN_ENGLISH
def test_the_page_of_an_unrecorded_order_says_so(visitor: Visitor) -> None:
    visitor.open("/orders/never-seen")

    visitor.sees(visitor.t("order.unknown", id="never-seen"))
    visitor.finds_it_accessible()


def test_conflicts_come_before_other_duplicates(visitor: Visitor) -> None:
    visitor.open("/duplicates")

    row = visitor.page.get_by_role("row").filter(has_text=CONFLICTING)
    expect(row).to_contain_text(visitor.t.label("amount"))
    visitor.finds_it_accessible()
    visitor.picture("duplicates")
    visitor.link("duplicates.all").click()
    visitor.page.wait_for_url("**show=all")
    visitor.wait_until_loaded()
    expect(visitor.page.locator("tbody .badge").first).to_be_visible()


def test_an_order_that_came_in_under_two_ids_is_suspected(visitor: Visitor) -> None:
    visitor.open("/duplicates")

    visitor.link("duplicates.suspected").click()
    visitor.page.wait_for_url("**show=suspected")
    visitor.wait_until_loaded()

    row = visitor.page.get_by_role("row").filter(has_text=CLICKED_TWICE[0])
    for name in CLICKED_TWICE:
        expect(row.get_by_role("link", name=name, exact=True)).to_be_visible()
    expect(row).to_contain_text("****7793")
    visitor.finds_it_accessible()
    visitor.picture("duplicates-suspected")


def test_rejected_orders_are_counted_by_error(visitor: Visitor) -> None:
    visitor.open("/rejected")

    expect(visitor.page.locator("tbody")).to_contain_text(visitor.t("error.same_account"))
    visitor.finds_it_accessible()
    visitor.picture("rejected")


def test_each_dead_letter_shows_its_reason_and_its_records(visitor: Visitor) -> None:
    visitor.open_letters("/dead-letters", count=6)

    expect(visitor.page.locator("tbody")).to_contain_text(visitor.t("reason.not_json"))
    row = visitor.page.get_by_role("row").filter(has_text=CONFLICTING)
    expect(row).to_contain_text(visitor.t("known.other_submission"))
    visitor.finds_it_accessible()
    visitor.picture("dead-letters")
    row.get_by_role("button", name=visitor.t("dead_letters.look")).click()
    expect(visitor.page.get_by_role("dialog").locator("pre")).to_contain_text("****7001")
    visitor.finds_it_accessible()


def test_another_services_envelope_says_what_it_is_and_what_its_sender_must_change(
    visitor: Visitor,
) -> None:
    visitor.open_letters("/dead-letters?reason=foreign_envelope")

    row = visitor.page.locator("tbody tr").first
    expect(row).to_contain_text(visitor.t("reason.foreign_envelope"))
    row.get_by_role("button", name=visitor.t("dead_letters.look")).click()

    expect(visitor.page.get_by_role("dialog")).to_contain_text(visitor.t("envelope.eventbridge"))
    visitor.finds_it_accessible()


@IN_ENGLISH
def test_a_letter_is_redriven_after_a_confirmation(visitor: Visitor, site: Site) -> None:
    name = f"redriven-{visitor.t.language}"
    dead_letter(site.desk, json.dumps(order(name)), submissionId=f"own-{name}")
    visitor.open_letters(f"/dead-letters?order={name}")

    visitor.page.get_by_label(visitor.t("dead_letters.choose_one", name=name)).check()
    visitor.button("dead_letters.redrive").click()
    dialog = visitor.page.get_by_role("dialog")
    dialog.get_by_label(visitor.t("dead_letters.why")).fill("the table was away")
    visitor.finds_it_accessible()
    visitor.picture("dead-letters-redrive")
    dialog.get_by_role("button", name=visitor.t("dead_letters.redrive_now"), exact=True).click()

    visitor.sees(visitor.t("dead_letters.redrive_ended", done=1, planned=1))
    record = eventually(
        lambda: list(site.desk.orders.history(name)) if recorded(site, name) else None
    )
    assert [each.submission_id for each in record] == [f"own-{name}"]
    visitor.open("/audit")
    visitor.sees("the table was away")


@IN_ENGLISH
def test_a_redrive_of_all_matching_letters_looks_through_the_queue_first(
    visitor: Visitor, site: Site
) -> None:
    for number in range(3):
        dead_letter(site.desk, json.dumps(order("matching")), submissionId=f"matching-{number}")
    visitor.open_letters("/dead-letters?order=matching", count=3)

    visitor.button("dead_letters.redrive_matching").click()
    visitor.sees(visitor.t("dead_letters.redrive_plan", count=3))
    dialog = visitor.page.get_by_role("dialog")
    dialog.get_by_role("button", name=visitor.t("dead_letters.redrive_now"), exact=True).click()

    visitor.sees(visitor.t("dead_letters.redrive_ended", done=3, planned=3))
    eventually(lambda: recorded(site, "matching"))


def test_a_discard_needs_a_reason_and_leaves_the_text_in_the_audit(
    visitor: Visitor, site: Site
) -> None:
    name = f"discarded-{visitor.t.language}"
    dead_letter(site.desk, json.dumps(order(name)))
    visitor.open_letters(f"/dead-letters?order={name}")

    visitor.page.get_by_label(visitor.t("dead_letters.choose_all")).check()
    visitor.button("dead_letters.discard").click()
    dialog = visitor.page.get_by_role("dialog")
    discard = dialog.get_by_role("button", name=visitor.t("dead_letters.discard_now"), exact=True)
    discard.click()
    expect(dialog).to_be_visible()
    dialog.get_by_label(visitor.t("dead_letters.why")).fill("sent by a test of the branch")
    discard.click()

    visitor.sees(visitor.t("dead_letters.discard_ended", done=1, planned=1))
    visitor.sees(visitor.t("dead_letters.none_match"))
    visitor.open(order_address(name))
    visitor.sees(visitor.t("decision.why", why="sent by a test of the branch"))
    visitor.open("/audit")
    visitor.sees("sent by a test of the branch")
    ended = visitor.page.locator("tbody tr", has_text=visitor.t("action.dlq_discard_ended")).first
    expect(ended).to_contain_text(f"{visitor.t('detail.planned')} 1")
    expect(ended).to_contain_text(f"{visitor.t('detail.done')} 1")
    visitor.finds_it_accessible()
    visitor.picture("audit")


@IN_ENGLISH
def test_a_letter_is_edited_and_handed_in_as_a_new_submission(visitor: Visitor, site: Site) -> None:
    name = f"edited-{visitor.t.language}"
    dead_letter(site.desk, json.dumps(order(name, amount=0)), submissionId=f"own-{name}")
    visitor.open_letters(f"/dead-letters?order={name}")

    visitor.page.get_by_role("button", name=visitor.t("dead_letters.look_at", name=name)).click()
    visitor.button("dead_letters.edit").click()
    visitor.button("resubmit.submit").click()
    visitor.sees(visitor.t("amount.not_positive", got="0"))
    visitor.finds_it_accessible()
    visitor.page.get_by_label(visitor.t("resubmit.text")).fill(json.dumps(order(name, amount=75)))
    visitor.button("resubmit.submit").click()

    visitor.sees(visitor.t("resubmit.done"))
    assert eventually(lambda: recorded(site, name))
    (record,) = site.desk.orders.history(name)
    assert record.submission_id != f"own-{name}"
    assert site.desk.dead_letters.depths()["deadLetters"] >= 1


VERDICTS = {
    "valid": "outcome.accepted",
    "duplicate": "outcome.duplicate",
    "conflict": "outcome.conflict",
    "replay": "outcome.accepted",
    "reused_key": "try_it.refused",
    "invalid": "outcome.rejected",
}


def test_each_order_that_is_tried_out_has_its_verdict_beside_it(visitor: Visitor) -> None:
    visitor.open("/try-it")

    for kind, verdict in VERDICTS.items():
        visitor.page.locator(f'button[value="{kind}"]').click()
        line = visitor.page.locator(".results > li").first
        expect(line).to_contain_text(visitor.t(f"try_it.did_{kind}"))
        expect(line).to_contain_text(visitor.t(verdict))

    known = len(VERDICTS)
    visitor.sees(visitor.t("try_it.known", known=known, count=known))
    lines = visitor.page.locator(".results > li")
    expect(lines.first).to_contain_text(visitor.t("amount.not_positive", got="-1"))
    expect(lines.nth(3)).to_contain_text(visitor.t.label("amount"))
    visitor.finds_it_accessible()
    visitor.finds_it_fitting()
    visitor.picture("try-it")
    href = lines.last.get_by_role("link").get_attribute("href")
    assert href is not None
    assert recorded(visitor.site, href.rsplit("/", 1)[1])


@IN_ENGLISH
def test_a_burst_can_be_handed_in_and_read_with_the_keyboard_alone(visitor: Visitor) -> None:
    visitor.open("/try-it")
    visitor.page.locator('input[name="count"]').focus()
    visitor.page.keyboard.press("Control+a")
    visitor.page.keyboard.type("20")
    visitor.page.keyboard.press("Tab")
    visitor.page.keyboard.press("Enter")

    visitor.sees(visitor.t("try_it.known", known=21, count=21))
    visitor.finds_it_accessible()
    visitor.page.keyboard.press("j")
    visitor.page.keyboard.press("j")
    visitor.page.keyboard.press("Enter")

    visitor.page.wait_for_url("**/orders/try-*")


@IN_ENGLISH
def test_what_is_unreadable_is_a_dead_letter_with_its_reason(visitor: Visitor) -> None:
    visitor.open("/try-it")

    visitor.page.locator('button[value="unreadable"]').click()

    line = visitor.page.locator(".results > li")
    expect(line).to_contain_text(visitor.t("try_it.dead_letter"))
    expect(line).to_contain_text(visitor.t("reason.not_json"))
    visitor.link("try_it.look").click()
    visitor.page.wait_for_url("**/dead-letters?reason=not_json")


def test_health_shows_each_dependency(visitor: Visitor) -> None:
    visitor.open("/health")

    for name in ("queue", "deadLetterQueue", "bucket", "table"):
        expect(visitor.page.get_by_role("table")).to_contain_text(visitor.t(f"health.{name}"))
    visitor.sees("orders-dlq-local")
    visitor.finds_it_accessible()
    visitor.picture("health")


def recorded(site: Site, order_id: str) -> bool:
    try:
        site.desk.orders.show(order_id)
    except OrderNotFound:
        return False
    return True


def test_sealed_days_are_verified_and_what_was_forged_is_named(visitor: Visitor) -> None:
    sealed = visitor.site.desk.seals.newest(1)
    visitor.open("/audit")
    visitor.link("seals.title").first.click()
    visitor.page.wait_for_url("**/seals")
    visitor.wait_until_loaded()

    visitor.sees(sealed.reads[0].digest or "")
    visitor.sees(sealed.fingerprint)
    visitor.button("seals.verify_all").click()

    visitor.sees(visitor.t("seals.fault_added"))
    findings = visitor.page.get_by_role("table", name=visitor.t("seals.findings"))
    expect(findings).to_contain_text(FORGED)
    visitor.finds_it_accessible()
    visitor.finds_it_fitting()
    visitor.picture("seals")
