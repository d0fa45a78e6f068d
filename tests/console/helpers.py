"""What the tests of the console share: a shop, and the steps of its users."""

import itertools
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import pyotp
import pytest
from playwright.sync_api import APIResponse, Locator, Page, Route, expect

from app.common.settings import Settings
from tests import servers
from tests.live import PASSWORD, Api, LiveServer, wait_until

_numbers = itertools.count(1)
_WITH_STREAM = """new MutationObserver(() => {
  document.querySelector("meta[name=stream]")?.setAttribute("content", "/events");
}).observe(document, { childList: true, subtree: true })"""


@dataclass(frozen=True)
class Account:
    """A user and an access token of theirs."""

    email: str
    token: str


def server_of_module(name: str, **variables: str) -> Any:
    """The fixture `server` of a module, with a database of its own. variables: settings."""

    @pytest.fixture(scope="module", name="server")
    def started(settings: Settings, worker_number: int) -> Iterator[LiveServer]:
        with (
            servers.database(f"payment_flow_console_{name}_{worker_number}") as made,
            LiveServer.start(settings, made, workers=1, **variables) as server,
        ):
            yield server

    return started


def new_account(api: Api, *, role: str = "USER", balance: str | None = None) -> Account:
    name = f"console-{role.lower()}-{next(_numbers)}"
    token = api.sign_up(name, role=role, balance=balance)
    call(api, token, "PATCH", "/auth/me", {"firstName": "Ada", "lastName": "Lovelace"})
    return Account(f"{name}@example.com", token)


def enable_second_factor(api: Api, account: Account) -> tuple[pyotp.TOTP, list[str]]:
    """Returns the account's authenticator, and its recovery codes."""
    enrolled = call(api, account.token, "POST", "/auth/two-factor", {"password": PASSWORD})
    totp = pyotp.TOTP(enrolled["secret"])
    code = {"code": totp.now()}
    confirmed = call(api, account.token, "POST", "/auth/two-factor/confirm", code)
    return totp, confirmed["recoveryCodes"]


def call(api: Api, token: str, method: str, path: str, body: Any = None) -> Any:
    answer = api.call(method, f"/api/v1{path}", body, token=token)
    assert answer.status < 300, answer.text
    return answer.json if answer.text else None


def add_licence_product(api: Api, seller: Account, *, name: str = "Grue Editor") -> str:
    """A product that is delivered at once. Returns its ID."""
    product = {"name": name, "price": "12.50", "kind": "LICENCE", "availableUnits": 50}
    product_id: str = call(api, seller.token, "POST", "/products", product)["id"]
    terms = {"activationLimit": 3, "validDays": None}
    call(api, seller.token, "PUT", f"/products/{product_id}/licence-terms", terms)
    return product_id


def add_code_product(api: Api, seller: Account, codes: list[str], *, name: str) -> str:
    """A product whose codes a worker stores. Returns its ID."""
    product = {"name": name, "price": "20.00", "kind": "CODES"}
    product_id: str = call(api, seller.token, "POST", "/products", product)["id"]
    uploaded = api.call(
        "POST",
        f"/api/v1/products/{product_id}/codes?header=false",
        data="\n".join(codes).encode(),
        token=seller.token,
        headers={"Content-Type": "text/plain"},
    )
    assert uploaded.status in (200, 201, 202), uploaded.text
    wait_until(
        lambda: call(api, seller.token, "GET", f"/products/{product_id}")["availableUnits"],
        seconds=60,
    )
    return product_id


def buy(api: Api, buyer: Account, product_id: str, **options: Any) -> dict[str, Any]:
    """Buy a product from the wallet. Returns the order."""
    body = {"productId": product_id, "paymentMethod": "WALLET", **options}
    order: dict[str, Any] = call(api, buyer.token, "POST", "/orders", body)
    return order


def open_view(page: Page, api: Api, path: str, *, heading: str | re.Pattern[str]) -> None:
    page.goto(f"{api.url}/app{path}")
    expect_view(page, heading)


def expect_view(page: Page, heading: str | re.Pattern[str]) -> None:
    """Wait until a view is shown with all that it loads."""
    expect(page.get_by_role("heading", level=1)).to_have_text(heading)
    expect(page.locator(".skeleton")).to_have_count(0)


def press_until_focused(page: Page, target: Locator) -> None:
    for _ in range(40):
        page.keyboard.press("Tab")
        if target.evaluate("element => element === document.activeElement"):
            return
    raise AssertionError("Tab does not reach the element.")


def lose_first_answer(page: Page, url: str | re.Pattern[str]) -> list[APIResponse]:
    """The server does what the first request to an address asks for, but the browser gets no
    answer. Returns the lost answers, as they are lost."""
    lost: list[APIResponse] = []

    def pass_on(route: Route) -> None:
        response = route.fetch()
        if lost:
            route.fulfill(response=response)
        else:
            lost.append(response)
            route.abort()

    page.route(url, pass_on)
    return lost


def lead_to_stream(page: Page, live_url: Callable[[], str]) -> None:
    """As if the server had been started with LIVE_EVENTS_PATH, and a reverse proxy led that path to
    the live process: the browser sees its own host only. live_url: where that is at the time."""
    page.add_init_script(_WITH_STREAM)
    page.route(
        "**/events?*",
        lambda route: route.continue_(
            url=f"{live_url()}/events?{route.request.url.partition('?')[2]}"
        ),
    )


@pytest.fixture(autouse=True)
def same_origin(page: Page, server: LiveServer) -> Iterator[None]:
    """In each module that imports this fixture, every request goes to the server itself."""
    elsewhere: list[str] = []
    page.on(
        "request",
        lambda sent: (
            elsewhere.append(sent.url)
            if not sent.url.startswith((server.url, "data:", "blob:"))
            else None
        ),
    )
    yield
    assert elsewhere == []


def sign_in(
    page: Page, api: Api, account: Account, path: str = "", *, heading: str | None = None
) -> None:
    """Sign in, and wait for the view at the path, or for the first one of the account.

    heading: of that view; buyers need none to see their balance first.
    """
    open_sign_in(page, api, path)
    send_sign_in(page, account.email)
    if heading is None:
        expect(page.get_by_text("Available", exact=True)).to_be_visible()
    else:
        expect_view(page, heading)


def sign_in_by_keyboard(page: Page, api: Api, account: Account, path: str) -> None:
    """path: of the view that follows."""
    open_sign_in(page, api, path)
    expect(page.get_by_label("Email or phone number")).to_be_focused()
    page.keyboard.type(account.email)
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")


def open_sign_in(page: Page, api: Api, path: str = "") -> None:
    """path: of the view that follows the sign-in."""
    page.goto(f"{api.url}/app/sign-in" + (f"?next={quote(path, safe='')}" if path else ""))


def send_sign_in(page: Page, email: str, *, password: str = PASSWORD) -> None:
    """Fill in the sign-in that the page shows, and send it."""
    page.get_by_label("Email or phone number").fill(email)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()
