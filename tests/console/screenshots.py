"""Pictures of every view of the console, from a running `./flow up` with its demo data.

`./flow screenshots --into FOLDER` writes one picture for each view, width and appearance, named
such as `merchant-orders-320-dark.png`. Somebody has to look at them.
"""

import re
import urllib.error
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import click
from playwright.sync_api import Browser, Page, expect

from app.common.settings import PROJECT_ROOT, load_settings
from app.demo.catalogue import PASSWORD
from tests.browser import BrowserMissing, running_browser
from tests.console.helpers import open_sign_in, send_sign_in
from tests.live import Api

SCRIPTS: Final = PROJECT_ROOT / "app" / "console" / "static"
WIDTHS: Final = (320, 768, 1280)
HEIGHT: Final = 800
APPEARANCES: Final = ("light", "dark")

#: Who looks at the views of an area.
ACCOUNTS: Final = {
    "buyer": "ada@demo.example.com",
    "merchant": "quiet-harbour@demo.example.com",
    "operator": "admin@demo.example.com",
}


@dataclass(frozen=True)
class Example:
    """What is shown at an address with parameters.

    lists: for each parameter the list of the API whose first record is taken, with the values of
    the parameters before it; create: path and body of the request that makes the last one if there
    is none; key: the field of the record.
    """

    lists: tuple[str, ...]
    create: tuple[str, dict[str, Any]] | None = None
    key: str = "id"


_PRODUCT: Final = Example(
    ("/products/merchant/my-products?kind=CODES",),
    ("/products", {"name": "Harbour gift card", "price": "20.00", "kind": "CODES"}),
)
_LICENCE: Final = Example(
    ("/products/merchant/my-products?kind=LICENCE",),
    (
        "/products",
        {"name": "Harbour Reader", "price": "9.00", "kind": "LICENCE", "availableUnits": 50},
    ),
)
_COUPON: Final = Example(
    ("/coupons",), ("/coupons", {"code": "AUTUMN-READING", "kind": "PERCENT", "value": "10"})
)
_ENDPOINT: Final = Example(
    ("/webhook-endpoints",), ("/webhook-endpoints", {"url": "https://shop.example.com/hooks"})
)
_SALE: Final = Example(("/orders/merchant/sales",))
_ORDER: Final = Example(("/admin/orders?status=COMPLETED",))
_USER: Final = Example(("/admin/users",))
_RULE: Final = Example(("/admin/risk/rules",))
_CODE: Final = ("/merchant-codes", {"amount": "4.50", "label": "Counter"})

EXAMPLES: Final[dict[str, Example]] = {
    "/add-money/:id": Example(("/onramp",), ("/onramp", {"provider": "HDFC", "amount": "25.00"})),
    "/request/:id": Example(
        ("/payment-requests",), ("/payment-requests", {"amount": "12.00", "note": "Lunch"})
    ),
    "/pay/:token": Example(("/payment-requests",), key="token"),
    "/withdraw/:id": Example(("/wallet/payouts",)),
    "/transactions/:id": Example(("/wallet/transactions",)),
    "/shop/:id": Example(("/products",)),
    "/purchases/:id": Example(("/orders",)),
    "/merchant/orders/:id": _SALE,
    "/merchant/orders/:id/refund": _SALE,
    "/merchant/coupons/:id": _COUPON,
    "/merchant/payment-codes/:id": Example(("/merchant-codes",), _CODE),
    "/merchant/webhooks/:id": _ENDPOINT,
    "/merchant/webhooks/:id/change": _ENDPOINT,
    "/merchant/webhooks/:id/deliveries/:delivery": Example(
        ("/webhook-endpoints", "/webhook-endpoints/{0}/deliveries"),
        ("/webhook-endpoints/{0}/ping", {}),
    ),
    "/merchant/products/:id": _PRODUCT,
    "/merchant/products/:id/codes": _PRODUCT,
    "/merchant/products/:id/licences": _LICENCE,
    "/operator/cases/:id": Example(("/admin/risk/cases",)),
    "/operator/rules/backtests/:id": Example(("/admin/risk/backtests",)),
    "/operator/rules/models/:id": Example(("/admin/risk/models",)),
    "/operator/rules/:id": _RULE,
    "/operator/users/:id": _USER,
    "/operator/users/:id/limits": _USER,
    "/operator/users/:id/wallets/:wallet": Example(("/admin/users", "/admin/wallets?userId={0}")),
    "/operator/orders/:id": _ORDER,
    "/operator/orders/:id/refund": _ORDER,
}


@dataclass(frozen=True)
class ViewAddress:
    """A view. at: its address, where parts that begin with a colon are parameters."""

    area: str
    at: str
    is_open: bool

    @property
    def name(self) -> str:
        """For the file of the picture."""
        words = re.findall(r"[a-z-]+", re.sub(r":\w+", "one", self.at))
        return "-".join([self.area, *(word for word in words if word != self.area)])


def views() -> list[ViewAddress]:
    """All views, as the scripts declare them."""
    found = []
    for path in sorted(SCRIPTS.glob("*/*views.js")):
        for line in path.read_text().splitlines():
            if match := re.search(r'\bat: "(/[^"]*)".*\bload:', line):
                found.append(ViewAddress(path.parent.name, match[1], "open: true" in line))
    return found


class RequestRefused(Exception):
    """The message has the request and the answer."""


class Product:
    """The running product, as one of its accounts sees it."""

    def __init__(self, url: str, email: str) -> None:
        self._api = Api(url)
        self._token: str | None = None
        account = {"email": email, "password": PASSWORD}
        self._token = self._call("POST", "/auth/login", account)["accessToken"]

    def values(self, example: Example) -> list[str] | None:
        """The values of the parameters, None if there is nothing to show."""
        found: list[str] = []
        for path in example.lists:
            record = self._first(path.format(*found))
            if record is None and example.create is not None:
                create, body = example.create
                record = self._call("POST", create.format(*found), body)
            if record is None:
                return None
            found.append(str(record[example.key]))
        return found

    def _first(self, path: str) -> dict[str, Any] | None:
        answer = self._call("GET", path)
        rows: list[dict[str, Any]] = answer if isinstance(answer, list) else answer["data"]
        return rows[0] if rows else None

    def _call(self, method: str, path: str, body: object = None) -> Any:
        answer = self._api.call(method, f"/api/v1{path}", body, token=self._token)
        if answer.status >= 400:
            raise RequestRefused(f"{method} {path}: {answer.text}")
        return answer.json


def address_of(view: ViewAddress, product: Product) -> str | None:
    """The address with an example for its parameter, None if there is none."""
    if ":" not in view.at:
        return view.at
    values = product.values(EXAMPLES[view.at])
    if values is None:
        return None
    given = iter(values)
    return re.sub(r":\w+", lambda _: next(given), view.at)


def show(page: Page, address: str) -> None:
    page.goto(address)
    page.wait_for_selector("h1")
    expect(page.locator(".skeleton")).to_have_count(0, timeout=30_000)
    page.wait_for_timeout(300)  # for pictures and charts


def photograph(browser: Browser, url: str, area: str, folder: Path) -> Iterator[Path]:
    """The pictures of an area, as they are written."""
    product = Product(url, ACCOUNTS[area])
    found = [view for view in views() if view.area == area]
    for appearance in APPEARANCES:
        with browser.new_context(color_scheme=appearance) as context:
            page = context.new_page()
            page.set_default_timeout(30_000)
            for view in filter(lambda view: view.is_open, found):
                yield from _pictures(page, url + "/app" + view.at, view, appearance, folder)
            open_sign_in(page, Api(url))
            send_sign_in(page, ACCOUNTS[area], password=PASSWORD)
            page.wait_for_selector(".shell")
            for view in filter(lambda view: not view.is_open, found):
                address = address_of(view, product)
                if address is None:
                    click.echo(f"{view.at}: the demo data has no example")
                else:
                    yield from _pictures(page, url + "/app" + address, view, appearance, folder)


def _pictures(
    page: Page, address: str, view: ViewAddress, appearance: str, folder: Path
) -> Iterator[Path]:
    show(page, address.removesuffix("/"))
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": HEIGHT})
        page.wait_for_timeout(150)  # charts follow the width
        # As high as the page, so that what sticks to the bottom is at the bottom.
        height = page.evaluate("document.documentElement.scrollHeight")
        page.set_viewport_size({"width": width, "height": height})
        path = folder / f"{view.name}-{width}-{appearance}.png"
        page.screenshot(path=path)
        yield path


@click.command()
@click.option("--url", help="Address of the running product; default: port PORT of this machine.")
@click.option(
    "--into",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("screenshots"),
    show_default=True,
    help="Folder for the pictures.",
)
def main(url: str | None, folder: Path) -> None:
    """Write pictures of every view of the console of a running `./flow up`."""
    url = (url or f"http://127.0.0.1:{load_settings().port}").rstrip("/")
    folder.mkdir(parents=True, exist_ok=True)
    count = 0
    try:
        with running_browser() as browser:
            for area in ACCOUNTS:
                for path in photograph(browser, url, area, folder):
                    click.echo(path.name)
                    count += 1
    except (BrowserMissing, RequestRefused, urllib.error.URLError) as error:
        raise click.ClickException(f"{error}. Is `./flow up` running at {url}?") from error
    click.echo(f"{count} pictures in {folder}")


if __name__ == "__main__":
    main()
