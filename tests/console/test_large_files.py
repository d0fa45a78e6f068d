"""A large file is sent in parts, which survive a lost connection and a reload: in a browser."""

import os
import re
from hashlib import sha256
from typing import Any

import pytest
from playwright.sync_api import FilePayload, Page, Route, expect

from tests.browser import chromium, page
from tests.console.accessibility import check
from tests.console.accessibility import page as themed_page
from tests.console.helpers import Account, call, open_view, same_origin, server_of_module, sign_in
from tests.console.merchants import create, seller
from tests.live import LiveServer

# Fixtures, found by their names.
__all__ = ["chromium", "page", "same_origin", "seller", "themed_page"]

MIB = 1024**2
PARTS = "**/file/upload/*/parts/*"

server = server_of_module("files")


def large_file() -> FilePayload:
    """A file of three parts."""
    return {"name": "course.zip", "mimeType": "application/zip", "buffer": os.urandom(17 * MIB)}


class Parts:
    """The parts that the browser sends. number 2 gets no answer until `is_held` is false."""

    def __init__(self, page: Page) -> None:
        self.sent: list[int] = []
        self.is_held = True
        page.route(PARTS, self._pass_on)

    def _pass_on(self, route: Route) -> None:
        number = int(route.request.url.rpartition("/")[2])
        self.sent.append(number)
        if number != 2 or not self.is_held:
            route.continue_()


def begin(page: Page, server: LiveServer, seller: Account, file: FilePayload) -> tuple[str, Parts]:
    """An upload of which one part has arrived, and the next one never does."""
    product_id = create(server, seller, kind="FILE")
    parts = Parts(page)
    page.on("dialog", lambda dialog: dialog.accept())  # leaves although a file is being sent
    sign_in(page, server, seller, heading="Overview")
    open_view(page, server, f"/merchant/products/{product_id}", heading="Field Guide")
    with page.expect_request(re.compile("/parts/2$")):
        page.get_by_label("Choose the file").set_input_files(file)
    return product_id, parts


def stored(server: LiveServer, seller: Account, product_id: str) -> Any:
    return call(server, seller.token, "GET", f"/products/{product_id}/file")


@pytest.mark.stress
def test_a_lost_connection_does_not_lose_what_has_arrived(
    page: Page, server: LiveServer, seller: Account
) -> None:
    file = large_file()
    product_id = create(server, seller, kind="FILE")
    sign_in(page, server, seller, heading="Overview")
    open_view(page, server, f"/merchant/products/{product_id}", heading="Field Guide")
    sent: list[int] = []

    def lose_once(route: Route) -> None:
        sent.append(int(route.request.url.rpartition("/")[2]))
        route.abort() if sent == [1, 2] else route.continue_()

    page.route(PARTS, lose_once)
    page.get_by_label("Choose the file").set_input_files(file)
    expect(page.get_by_text("The connection was lost.")).to_be_visible()
    expect(page.get_by_text("version 1")).to_be_visible()
    assert sent == [1, 2, 2, 3]
    assert stored(server, seller, product_id)["sha256"] == sha256(file["buffer"]).hexdigest()


@pytest.mark.stress
def test_the_same_file_continues_after_a_reload(
    page: Page, server: LiveServer, seller: Account
) -> None:
    file = large_file()
    product_id, parts = begin(page, server, seller, file)
    page.reload()
    expect(
        page.get_by_text("The upload of course.zip was interrupted: 8.4 MB of 17.8 MB")
    ).to_be_visible()
    parts.is_held = False
    parts.sent.clear()
    page.get_by_label("Choose the file").set_input_files(file)
    expect(page.get_by_text("version 1")).to_be_visible()

    assert parts.sent == [2, 3]
    assert stored(server, seller, product_id)["sha256"] == sha256(file["buffer"]).hexdigest()
    expect(page.get_by_text("was interrupted")).to_have_count(0)


@pytest.mark.stress
def test_another_file_of_the_same_name_and_size_begins_anew(
    page: Page, server: LiveServer, seller: Account
) -> None:
    product_id, parts = begin(page, server, seller, large_file())
    page.reload()
    parts.is_held = False
    parts.sent.clear()
    other = large_file()
    page.get_by_label("Choose the file").set_input_files(other)
    expect(page.get_by_text("version 1")).to_be_visible()

    assert parts.sent == [1, 2, 3]
    assert stored(server, seller, product_id)["sha256"] == sha256(other["buffer"]).hexdigest()


@pytest.mark.stress
def test_what_has_arrived_can_be_discarded(
    themed_page: Page, server: LiveServer, seller: Account
) -> None:
    page = themed_page
    product_id, _ = begin(page, server, seller, large_file())
    page.reload()
    expect(page.get_by_role("button", name="Discard it")).to_be_visible()
    check(page)
    page.get_by_role("button", name="Discard it").click()
    expect(page.get_by_text("What had arrived is deleted.")).to_be_visible()
    expect(page.get_by_text("was interrupted")).to_have_count(0)
    answer = server.call("GET", f"/api/v1/products/{product_id}/file/upload", token=seller.token)
    assert answer.status == 404
