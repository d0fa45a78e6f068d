"""How long the console's largest lists take to show their rows, in Chromium."""

import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any, Final

from bench.shop import PASSWORD, Shop, User

_REPEATS: Final = 5
_BROWSERS: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_ROWS: Final = ".table tbody tr, .list > li, .products > *"

# Milliseconds until the rows of a list are painted.
_SHOW: Final = f"""
    (path) => new Promise((resolve) => {{
        const started = path === null ? 0 : performance.now();
        const isShown = () => document.querySelector({_ROWS!r});
        const done = () => requestAnimationFrame(() => setTimeout(
            () => resolve(performance.now() - started)));
        const observer = new MutationObserver(() => {{
            if (isShown()) {{ observer.disconnect(); done(); }}
        }});
        observer.observe(document, {{childList: true, subtree: true}});
        if (path !== null) {{
            history.pushState(null, "", path);
            dispatchEvent(new PopStateEvent("popstate"));
        }} else if (isShown()) done();
    }})
"""


@dataclass(frozen=True)
class Paint:
    """Median milliseconds until the rows are painted. within: from another view of the console;
    loaded: from a request of the page, with scripts and styles from the browser's cache."""

    name: str
    within: float
    loaded: float


def measure_first_paint(shop: Shop) -> Iterator[Paint]:
    """Needs Chromium and the development dependencies."""
    from playwright.sync_api import sync_playwright

    wallet = shop.servers.sql(
        "SELECT id FROM wallets WHERE user_id = %(user)s", user=shop.long_history.id
    )[0][0]
    postings = f"/operator/users/{shop.long_history.id}/wallets/{wallet}"
    of_users: Mapping[User, dict[str, str]] = {
        shop.merchants[0]: {
            "a merchant's orders": "/merchant/orders",
            "a merchant's orders, oldest first": "/merchant/orders?sort=oldest",
            "a merchant's products": "/merchant/products",
            "a merchant's products by name": "/merchant/products?sort=name",
            "the shop": "/shop",
        },
        shop.administrator: {
            "all users": "/operator/users",
            "all orders": "/operator/orders",
            "all orders, oldest first": "/operator/orders?sort=oldest",
            "postings of a wallet": postings,
        },
    }
    path = next(filter(None, map(shutil.which, _BROWSERS)), None)
    flags = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=flags)
        for user, lists in of_users.items():
            page = browser.new_page()
            root = f"http://127.0.0.1:{shop.servers.port}/app"
            page.goto(f"{root}/sign-in")
            page.get_by_label("Email or phone number").fill(user.email)
            page.get_by_label("Password").fill(PASSWORD)
            page.get_by_role("button", name="Sign in").click()
            page.wait_for_selector(".shell")
            for name, at in lists.items():
                yield _measure(page, name, root, at)
            page.close()
        browser.close()


def _measure(page: Any, name: str, root: str, at: str) -> Paint:
    within, loaded = [], []
    for _ in range(_REPEATS + 1):
        page.goto(f"{root}/settings")
        page.wait_for_selector("form")
        within.append(page.evaluate(_SHOW, f"/app{at}"))
        page.goto(f"{root}{at}", wait_until="commit")
        loaded.append(page.evaluate(_SHOW, None))
    return Paint(name, median(within[1:]), median(loaded[1:]))
