"""Operators watch the system, review payments and steer the rules of risk, in a real browser."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from app.common.settings import Settings
from tests import servers
from tests.browser import chromium, page
from tests.console.accessibility import check
from tests.console.accessibility import page as themed_page
from tests.console.helpers import (
    Account,
    add_licence_product,
    buy,
    call,
    enable_second_factor,
    lead_to_stream,
    new_account,
    open_sign_in,
    open_view,
    send_sign_in,
    sign_in,
)
from tests.console.operators import new_operator
from tests.fake_traffic import fake_traffic
from tests.live import LiveServer, wait_until
from tests.live_process.helpers import LiveProcess

__all__ = ["chromium", "page", "themed_page"]  # fixtures, which pytest finds by name

LARGE = "150.00"


@pytest.fixture(scope="module")
def server(settings: Settings, worker_number: int) -> Iterator[LiveServer]:
    with (
        fake_traffic() as (traffic, _),
        servers.database(f"payment_flow_operator_live_{worker_number}") as made,
        LiveServer.start(
            settings,
            made,
            workers=1,
            RISK_REVIEW_ABOVE="100.00",
            TRAFFIC_PORT=traffic.rpartition(":")[2],
        ) as started,
        started.worker(),
    ):
        yield started


@dataclass(frozen=True)
class Shop:
    """An administrator, a buyer who has bought something, and a merchant who sells it."""

    admin: Account
    buyer: Account
    seller: Account
    product_id: str

    def buy(self, server: LiveServer) -> None:
        buy(server, self.buyer, self.product_id)


@pytest.fixture(scope="module")
def shop(server: LiveServer) -> Shop:
    admin = new_operator(server)
    seller = new_account(server, role="MERCHANT")
    call(server, seller.token, "PATCH", "/shop", {"name": "مكتبة الزاوية"})
    buyer = new_account(server, balance="5000.00")
    made = Shop(admin, buyer, seller, add_licence_product(server, seller))
    made.buy(server)
    wait_until(
        lambda: call(server, admin.token, "GET", "/insights/stats")["approved"] == 1, seconds=60
    )
    return made


def hold_back(server: LiveServer, shop: Shop) -> str:
    """A transfer that waits for a review. Returns the ID of its case."""
    payee = new_account(server)
    transfer = {"recipient": {"email": payee.email}, "amount": LARGE}
    made = server.call("POST", "/api/v1/transfers", transfer, token=shop.buyer.token)
    assert made.status == 202, made.text
    case_id: str = made.json["id"]
    return case_id


def reading(page: Page, label: str) -> Locator:
    return page.locator(".reading", has_text=label)


def test_an_operator_sees_transactions_arrive(page: Page, server: LiveServer, shop: Shop) -> None:
    sign_in(page, server, shop.admin, heading="Live")
    expect(page.get_by_role("status").filter(has_text="Updated every few seconds")).to_be_visible()
    rows = page.get_by_role("table", name="Latest transactions").locator("tbody tr")
    expect(rows.first).to_contain_text("مكتبة الزاوية")
    before = rows.count()
    total = int(re.sub(r"\D", "", reading(page, "in total").locator(".reading-value").inner_text()))
    shop.buy(server)
    expect(rows).to_have_count(before + 1)
    expect(rows.first).to_contain_text("$12.50")
    expect(reading(page, "in total").locator(".reading-value")).to_have_text(str(total + 1))
    expect(reading(page, "Approval rate")).to_contain_text("100%")
    page.locator("summary").first.click()
    table = page.get_by_role("table", name="Volume per minute (USD)")
    expect(table.locator("tbody tr")).to_have_count(60)


@pytest.mark.stress
def test_what_was_seen_last_stays_without_a_connection(
    page: Page, server: LiveServer, shop: Shop
) -> None:
    sign_in(page, server, shop.admin, heading="Live")
    rows = page.get_by_role("table", name="Latest transactions").locator("tbody tr")
    expect(rows.first).to_be_visible()
    page.context.set_offline(True)
    expect(page.locator(".freshness.offline")).to_have_text(re.compile("^No connection"))
    expect(rows.first).to_be_visible()
    page.context.set_offline(False)
    expect(page.get_by_role("status").filter(has_text="Updated every few seconds")).to_be_visible()


@pytest.mark.stress
def test_the_stream_of_the_live_process_is_followed(
    page: Page, server: LiveServer, settings: Settings, shop: Shop
) -> None:
    with LiveProcess.start(settings, server.database) as live:
        lead_to_stream(page, lambda: live.url)
        sign_in(page, server, shop.admin, heading="Live")
        state = page.locator(".freshness")
        expect(state).to_have_text("Live")
        rows = page.get_by_role("table", name="Latest transactions").locator("tbody tr")
        before = rows.count()
        shop.buy(server)
        expect(rows).to_have_count(before + 1, timeout=8000)  # sooner than without the stream
        expect(state).to_have_text("Live")
    expect(state).to_have_text("Reconnecting; updated every few seconds")


@pytest.mark.stress
def test_what_happens_while_the_view_loads_is_shown_soon(
    page: Page, server: LiveServer, settings: Settings, shop: Shop
) -> None:
    rows = page.get_by_role("table", name="Latest transactions").locator("tbody tr")
    newest = (server, shop.admin.token, "GET", "/insights/transactions?limit=1")
    bought: list[Any] = []

    with LiveProcess.start(settings, server.database) as live:

        def answer(route: Route) -> None:
            """The first answer beside the stream is older than a purchase that it tells of."""
            found = route.fetch()
            if live.streams and not bought:
                bought.append(buy(server, shop.buyer, shop.product_id, quantity=2))
                wait_until(lambda: call(*newest)["data"][0]["amount"] == "25.00", seconds=20)
                page.wait_for_timeout(500)
            route.fulfill(response=found)

        lead_to_stream(page, lambda: live.url)
        page.route("**/insights/transactions?*", answer)
        sign_in(page, server, shop.admin, heading="Live")
        expect(rows.first).to_contain_text("$25.00", timeout=8000)
        assert bought


@pytest.mark.stress
def test_traffic_is_started_stopped_and_made(page: Page, server: LiveServer, shop: Shop) -> None:
    sign_in(page, server, shop.admin, heading="Live")
    section = page.get_by_role("region", name="Simulated traffic")
    expect(section).to_contain_text("On, one every 2 s")
    section.get_by_role("button", name="Change").click()
    expect(page.get_by_text("Traffic is on.")).to_be_visible()
    section.get_by_role("button", name="Make one").click()
    expect(page.get_by_text("$17.50: Approved")).to_be_visible()
    section.get_by_role("button", name="Stop").click()
    expect(page.get_by_text("Traffic is off.")).to_be_visible()


@pytest.mark.stress
def test_the_last_run_of_verify_is_shown(page: Page, server: LiveServer, shop: Shop) -> None:
    sign_in(page, server, shop.admin, heading="Live")
    open_view(page, server, "/operator/reliability", heading="Reliability")
    books = page.get_by_role("region", name="Books")
    expect(books).to_contain_text("Not verified yet")
    verified = server.cli("verify")
    assert verified.returncode == 0, verified.stdout
    open_view(page, server, "/operator/reliability", heading="Reliability")
    expect(books).to_contain_text("Every invariant holds")
    expect(page.get_by_role("region", name="Backup")).to_contain_text("not archived")
    expect(page.get_by_role("region", name="What is needed")).to_contain_text("Database")
    expect(page.get_by_role("region", name="Availability")).to_contain_text("99.9%")


@pytest.mark.stress
def test_a_payment_is_noted_assigned_snoozed_and_released(
    page: Page, server: LiveServer, shop: Shop
) -> None:
    case_id = hold_back(server, shop)
    sign_in(page, server, shop.admin, heading="Live")
    open_view(page, server, "/operator/cases", heading="Reviews")
    page.locator(f'a[href$="{case_id}"]').click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Transfer")
    expect(page.get_by_text("large-amount · 1")).to_be_visible()
    page.get_by_label("New note").fill("Called the buyer")
    page.get_by_role("button", name="Add the note").click()
    expect(page.get_by_text("Called the buyer", exact=True)).to_be_visible()
    page.get_by_role("button", name="Assign to me").click()
    expect(page.get_by_role("button", name="Unassign")).to_be_visible()
    page.get_by_role("button", name="Snooze").click()
    expect(page.get_by_text("Snoozed until")).to_be_visible()

    page.get_by_role("button", name="Release").click()
    dialog = page.get_by_role("dialog", name="Release this payment?")
    expect(dialog).to_contain_text("$150.00 is paid now")
    dialog.get_by_role("button", name="Release").click()
    expect(page.get_by_text("The payment is released.")).to_be_visible()
    found = call(server, shop.admin.token, "GET", f"/admin/risk/cases/{case_id}")
    assert found["case"]["status"] == "RELEASED"
    assert [note["text"] for note in found["notes"]] == ["Called the buyer"]


@pytest.mark.stress
def test_a_rejection_takes_a_reason_and_a_code(page: Page, server: LiveServer, shop: Shop) -> None:
    case_id = hold_back(server, shop)
    admin = new_operator(server)
    totp, _ = enable_second_factor(server, admin)
    sign_in(page, server, admin, heading="Live")
    open_view(page, server, f"/operator/cases/{case_id}", heading="Transfer")
    page.get_by_role("button", name="Reject").click()
    dialog = page.get_by_role("dialog", name="Reject this payment?")
    dialog.get_by_role("button", name="Reject").click()
    expect(dialog.locator("[aria-invalid=true]")).to_have_count(1)
    dialog.get_by_label("Reason").fill("The buyer knows nothing of it")
    dialog.get_by_role("button", name="Reject").click()
    code = page.get_by_role("dialog", name="Enter a code")
    code.get_by_label("Code").fill(totp.at(datetime.now(UTC), counter_offset=1))
    code.get_by_role("button", name="Continue").click()
    expect(page.get_by_text("The payment is rejected.")).to_be_visible()
    expect(page.get_by_role("region", name="Payment")).to_contain_text("The buyer knows nothing")


def test_two_operators_decide_and_the_second_one_is_told(
    page: Page, server: LiveServer, shop: Shop
) -> None:
    case_id = hold_back(server, shop)
    sign_in(page, server, shop.admin, heading="Live")
    open_view(page, server, f"/operator/cases/{case_id}", heading="Transfer")
    page.get_by_role("button", name="Release").click()
    other = {"reason": "Known fraud"}
    call(server, shop.admin.token, "POST", f"/admin/risk/cases/{case_id}/reject", other)
    page.get_by_role("dialog").get_by_role("button", name="Release").click()
    expect(page.get_by_role("region", name="Payment")).to_contain_text("Rejected")
    expect(page.get_by_role("button", name="Release")).to_have_count(0)


@pytest.mark.stress
def test_a_rule_goes_from_draft_to_retirement(page: Page, server: LiveServer, shop: Shop) -> None:
    sign_in(page, server, shop.admin, heading="Live")
    open_view(page, server, "/operator/rules", heading="Risk rules")
    page.get_by_role("link", name="New rule").click()
    page.get_by_label("Name", exact=True).fill("Many transfers in a minute")
    page.get_by_label("Key", exact=True).fill("transfer-velocity")
    page.get_by_label("Field of condition 1").select_option("count")
    page.get_by_label("Window of condition 1").select_option("MINUTE")
    page.get_by_label("Comparison of condition 1").select_option(">")
    page.get_by_label("Value of condition 1").fill("1000")
    page.get_by_role("button", name="Add a condition").click()
    page.get_by_label("Field of condition 2").select_option("type")
    page.get_by_label("Value of condition 2").select_option("TRANSFER")
    page.get_by_role("button", name="Create the draft").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("Many transfers in a minute")
    rule_id = page.url.rpartition("/")[2]
    rule = call(server, shop.admin.token, "GET", f"/admin/risk/rules/{rule_id}")
    assert rule["conditions"] == {
        "all": [
            {"field": "count", "operator": ">", "value": 1000, "window": "MINUTE"},
            {"field": "type", "operator": "=", "value": "TRANSFER"},
        ]
    }
    page.get_by_label("Weight").fill("2")
    page.get_by_role("button", name="Save the draft").click()
    expect(page.locator("[aria-invalid=true]")).to_have_count(1)
    page.get_by_label("Weight").fill("0.25")
    page.get_by_role("button", name="Save the draft").click()
    expect(page.get_by_text("The draft is saved.")).to_be_visible()

    state = page.get_by_role("region", name="State")
    for action, said, status in (
        ("Put into shadow", "The rule is in shadow.", "Shadow"),
        ("Activate", "The rule is active.", "Active"),
        ("Retire", "The rule is retired.", "Retired"),
    ):
        state.get_by_role("button", name=action).click()
        page.get_by_role("dialog").get_by_role("button", name=action).click()
        expect(page.get_by_text(said)).to_be_visible()
        expect(state).to_contain_text(status)


@pytest.mark.stress
def test_a_backtest_compares_a_draft_with_what_is_active(
    page: Page, server: LiveServer, shop: Shop
) -> None:
    rule_id = next(
        rule["id"]
        for rule in call(server, shop.admin.token, "GET", "/admin/risk/rules?limit=50")["data"]
        if rule["key"] == "large-amount"
    )
    sign_in(page, server, shop.admin, heading="Live")
    open_view(page, server, f"/operator/rules/{rule_id}", heading=re.compile(".+"))
    page.get_by_role("link", name="New version").click()
    page.get_by_label("Value of condition 1").fill("1.00")
    page.get_by_role("button", name="Create the draft").click()
    page.get_by_role("button", name="Start the backtest").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("large-amount · Version 2")
    expect(page.locator(".badge", has_text="Complete")).to_be_visible(timeout=30_000)
    matched = page.get_by_role("table", name="Result").locator("tr", has_text="Matched")
    draft, active = (int(text) for text in matched.locator("td").all_inner_texts())
    assert draft > active


@pytest.mark.stress
def test_an_entry_is_added_to_the_block_list_and_removed(
    page: Page, server: LiveServer, shop: Shop
) -> None:
    sign_in(page, server, shop.admin, heading="Live")
    open_view(page, server, "/operator/rules/lists", heading="Allow and block lists")
    page.get_by_role("button", name="Add an entry").click()
    dialog = page.get_by_role("dialog", name="Add an entry")
    dialog.get_by_label("Entry", exact=True).fill("mailinator.com")
    dialog.get_by_label("Reason").fill("Disposable addresses")
    dialog.get_by_role("button", name="Add an entry").click()
    row = page.get_by_role("row", name="mailinator.com")
    expect(row).to_contain_text("Blocked")
    row.get_by_role("button", name="Remove mailinator.com").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    expect(page.get_by_text("Nobody and nothing is listed")).to_be_visible()


@pytest.fixture(scope="module")
def views(server: LiveServer, shop: Shop) -> dict[str, str | re.Pattern[str]]:
    """Addresses and headings of the views, with something to show."""
    case_id = hold_back(server, shop)
    call(server, shop.admin.token, "POST", f"/admin/risk/cases/{case_id}/notes", {"text": "W" * 99})
    draft = {
        "key": "a-draft",
        "name": "Nested conditions with a name that does not end for a long time",
        "outcome": "DECLINE",
        "conditions": {
            "any": [
                {"field": "amount", "operator": ">", "value": {"setting": "RISK_REVIEW_ABOVE"}},
                {"all": [{"field": "newDevice", "operator": "=", "value": True}]},
            ]
        },
    }
    made = call(server, shop.admin.token, "POST", "/admin/risk/rules", draft)
    since = {"ruleId": made["id"], "from": datetime.now(UTC).strftime("%Y-%m-%dT00:00:00Z")}
    backtest = call(server, shop.admin.token, "POST", "/admin/risk/backtests", since)
    entry = {"list": "BLOCK", "kind": "DEVICE", "value": "W" * 120, "reason": "Ours"}
    call(server, shop.admin.token, "POST", "/admin/risk/lists", entry)
    rules: dict[str, Any] = call(server, shop.admin.token, "GET", "/admin/risk/rules?status=ACTIVE")
    return {
        "/operator": "Live",
        "/operator/reliability": "Reliability",
        "/operator/cases": "Reviews",
        "/operator/cases?show=EXPIRED": "Reviews",
        f"/operator/cases/{case_id}": "Transfer",
        "/operator/cases/01a21c0c-d75d-772c-9ad6-906d69e3b04c": "Reviews",
        "/operator/rules": "Risk rules",
        "/operator/rules?status=RETIRED&key=nothing": "Risk rules",
        "/operator/rules/new": "New rule",
        f"/operator/rules/{made['id']}": re.compile("Nested"),
        f"/operator/rules/{rules['data'][0]['id']}": re.compile(".+"),
        "/operator/rules/lists": "Allow and block lists",
        "/operator/rules/backtests": "Backtests",
        f"/operator/rules/backtests/{backtest['id']}": re.compile("a-draft"),
    }


@pytest.mark.stress
def test_views_are_accessible(
    themed_page: Page, server: LiveServer, shop: Shop, views: dict[str, str | re.Pattern[str]]
) -> None:
    sign_in(themed_page, server, shop.admin, heading="Live")
    for path, heading in views.items():
        open_view(themed_page, server, path, heading=heading)
        check(themed_page)


@pytest.mark.stress
def test_others_are_told_that_they_may_not(page: Page, server: LiveServer) -> None:
    open_sign_in(page, server, "/operator/cases")
    send_sign_in(page, new_account(server).email)
    expect(page.get_by_text("Your account cannot open this page")).to_be_visible()
