"""The home page of buyers shows money as it arrives, in a real browser."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from app.common.settings import Settings
from tests import servers
from tests.browser import chromium, page
from tests.console.helpers import (
    add_licence_product,
    buy,
    call,
    lead_to_stream,
    new_account,
    same_origin,
    sign_in,
)
from tests.live import LiveServer
from tests.live_process.helpers import LiveProcess

__all__ = ["chromium", "page", "same_origin"]  # fixtures, which pytest finds by name

#: Without a stream the page asks every five seconds.
SOON_MS = 12_000
#: With one it asks every 15, and at once when the stream tells of something.
AT_ONCE_MS = 4000


@pytest.fixture(scope="module")
def server(settings: Settings, worker_number: int) -> Iterator[LiveServer]:
    with (
        servers.database(f"payment_flow_console_home_{worker_number}") as made,
        LiveServer.start(settings, made, workers=1) as started,
        started.worker(),
    ):
        yield started


@pytest.mark.stress
def test_money_appears_as_it_arrives_and_outages_of_the_stream_are_shown(
    page: Page, server: LiveServer, settings: Settings
) -> None:
    giver, buyer = new_account(server, balance="90.00"), new_account(server, balance="10.00")
    product_id = add_licence_product(server, new_account(server, role="MERCHANT"))
    state, available = page.locator(".freshness"), page.get_by_test_id("available")
    urls: list[str] = []
    lead_to_stream(page, lambda: urls[-1])

    def give(amount: str) -> None:
        transfer = {"recipient": {"email": buyer.email}, "amount": amount}
        call(server, giver.token, "POST", "/transfers", transfer)

    with LiveProcess.start(settings, server.database) as live:
        urls.append(live.url)
        sign_in(page, server, buyer)
        expect(state).to_have_text("Live")
        expect(available).to_have_text("$10.00")
        for total in ("$11.00", "$12.00", "$13.00", "$14.00", "$15.00"):
            give("1.00")
            expect(available).to_have_text(total, timeout=AT_ONCE_MS)
        expect(page.get_by_text("+$1.00")).to_have_count(5)
        buy(server, buyer, product_id)  # in another session
        expect(available).to_have_text("$2.50", timeout=AT_ONCE_MS)

    expect(state).to_have_text("Reconnecting; updated every few seconds")
    give("3.00")
    expect(available).to_have_text("$5.50", timeout=SOON_MS)
    with LiveProcess.start(settings, server.database) as live:
        urls.append(live.url)
        expect(state).to_have_text("Live", timeout=45_000)
        give("2.00")
        expect(available).to_have_text("$7.50", timeout=SOON_MS)


@pytest.mark.stress
def test_without_a_stream_the_page_asks_again(page: Page, server: LiveServer) -> None:
    giver, buyer = new_account(server, balance="90.00"), new_account(server, balance="10.00")
    sign_in(page, server, buyer)
    expect(page.locator(".freshness")).to_have_text("Updated every few seconds")
    transfer = {"recipient": {"email": buyer.email}, "amount": "5.00"}
    call(server, giver.token, "POST", "/transfers", transfer)
    expect(page.get_by_test_id("available")).to_have_text("$15.00", timeout=SOON_MS)
    page.context.set_offline(True)
    expect(page.locator(".freshness")).to_contain_text("No connection")
    expect(page.get_by_test_id("available")).to_have_text("$15.00")
