"""What browsers load before they show a view for the first time."""

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser import chromium, page
from tests.console.helpers import new_account, open_view, server_of_module, sign_in
from tests.console.operators import new_operator
from tests.live import LiveServer

__all__ = ["chromium", "page"]  # fixtures, which pytest finds by name

#: Compressed, in bytes.
MAX_SCRIPTS_AND_STYLES = 150_000

server = server_of_module("load")


def loaded(page: Page) -> int:
    """The bytes of the scripts and styles that the page has loaded, as they were transferred."""
    sizes: dict[str, int] = page.evaluate(
        "Object.fromEntries(performance.getEntriesByType('resource')"
        ".map(({name, encodedBodySize}) => [name, encodedBodySize]))"
    )
    return sum(size for name, size in sizes.items() if name.endswith((".js", ".css")))


def test_the_sign_in_loads_little(page: Page, server: LiveServer) -> None:
    open_view(page, server, "/sign-in", heading="Welcome back")
    assert 10_000 < loaded(page) < MAX_SCRIPTS_AND_STYLES


@pytest.mark.stress
def test_the_home_of_buyers_loads_little(page: Page, server: LiveServer) -> None:
    sign_in(page, server, new_account(server))
    open_view(page, server, "", heading="Hello, Ada")
    assert loaded(page) < MAX_SCRIPTS_AND_STYLES


@pytest.mark.stress
def test_the_overview_of_merchants_loads_little(page: Page, server: LiveServer) -> None:
    seller = new_account(server, role="MERCHANT")
    sign_in(page, server, seller, "/merchant/products", heading="Products")
    page.goto(f"{server.url}/app/merchant")
    expect(page.locator(".chart").first).to_be_visible()
    assert loaded(page) < MAX_SCRIPTS_AND_STYLES


@pytest.mark.stress
def test_charts_are_loaded_within_the_limit(page: Page, server: LiveServer) -> None:
    sign_in(page, server, new_operator(server), "/operator/users", heading="Users")
    page.goto(f"{server.url}/app/operator")
    expect(page.locator(".chart").first).to_be_visible()
    assert loaded(page) < MAX_SCRIPTS_AND_STYLES


def test_libraries_that_few_views_need_are_not_loaded_first(
    chromium: Browser, server: LiveServer
) -> None:
    with chromium.new_context() as context:
        page = context.new_page()
        open_view(page, server, "/sign-in", heading="Welcome back")
        names = page.evaluate("performance.getEntriesByType('resource').map(({name}) => name)")
    assert not any("uplot" in name for name in names)
