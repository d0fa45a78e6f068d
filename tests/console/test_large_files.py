"""A large file is sent in parts, which survive a lost connection and a reload: in a browser."""

import os
import re
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import pytest
from playwright.sync_api import FilePayload, Page, Request, expect

from tests.browser import chromium, page
from tests.console.accessibility import check
from tests.console.accessibility import page as themed_page
from tests.console.helpers import Account, call, open_view, same_origin, server_of_module, sign_in
from tests.console.merchants import create, seller
from tests.live import LiveServer

# Fixtures, found by their names.
__all__ = ["chromium", "page", "same_origin", "seller", "themed_page"]

MIB = 1024**2
#: A part takes three seconds, so that something can happen to it.
SLOW_BYTES = 8 * MIB // 3

server = server_of_module("files")


def large_file() -> FilePayload:
    """A file of three parts."""
    return {"name": "course.zip", "mimeType": "application/zip", "buffer": os.urandom(17 * MIB)}


@dataclass
class Upload:
    """A file that a browser sends over a slow connection. sent: the numbers of the parts."""

    page: Page
    product_id: str
    sent: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._network = self.page.context.new_cdp_session(self.page)
        self.page.on("request", self._note)

    def _note(self, request: Request) -> None:
        if match := re.search(r"/parts/(\d+)$", request.url):
            self.sent.append(int(match[1]))

    def be(self, *, offline: bool = False, throughput: int = -1) -> None:
        """throughput: bytes per second, -1 for as many as there are."""
        conditions = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": throughput}
        self._network.send("Network.emulateNetworkConditions", {"offline": offline, **conditions})

    def choose(self, file: FilePayload) -> None:
        self.page.get_by_label("Choose the file").set_input_files(file)


def begin(page: Page, server: LiveServer, seller: Account, file: FilePayload) -> Upload:
    """An upload of which one part has arrived, and the next one is under way."""
    upload = Upload(page, create(server, seller, kind="FILE"))
    page.on("dialog", lambda dialog: dialog.accept())  # leaves although a file is being sent
    sign_in(page, server, seller, heading="Overview")
    open_view(page, server, f"/merchant/products/{upload.product_id}", heading="Field Guide")
    upload.be(throughput=SLOW_BYTES)
    with page.expect_request(re.compile("/parts/2$"), timeout=60_000):
        upload.choose(file)
    return upload


def stored(server: LiveServer, seller: Account, product_id: str) -> Any:
    return call(server, seller.token, "GET", f"/products/{product_id}/file")


@pytest.mark.stress
def test_a_lost_connection_does_not_lose_what_has_arrived(
    page: Page, server: LiveServer, seller: Account
) -> None:
    file = large_file()
    upload = begin(page, server, seller, file)
    upload.be(offline=True)
    expect(page.get_by_text("The connection was lost.")).to_be_visible()
    upload.be()
    expect(page.get_by_text("version 1")).to_be_visible(timeout=60_000)
    assert upload.sent.count(1) == 1
    assert len(upload.sent) > 3
    found = stored(server, seller, upload.product_id)
    assert found["sha256"] == sha256(file["buffer"]).hexdigest()


@pytest.mark.stress
def test_the_same_file_continues_after_a_reload(
    page: Page, server: LiveServer, seller: Account
) -> None:
    file = large_file()
    upload = begin(page, server, seller, file)
    page.reload()
    upload.be()
    expect(page.get_by_text("The upload of course.zip was interrupted")).to_be_visible()
    upload.sent.clear()
    upload.choose(file)
    expect(page.get_by_text("version 1")).to_be_visible(timeout=60_000)

    assert upload.sent == [2, 3]
    found = stored(server, seller, upload.product_id)
    assert found["sha256"] == sha256(file["buffer"]).hexdigest()
    expect(page.get_by_text("was interrupted")).to_have_count(0)


@pytest.mark.stress
def test_another_file_of_the_same_name_and_size_begins_anew(
    page: Page, server: LiveServer, seller: Account
) -> None:
    upload = begin(page, server, seller, large_file())
    page.reload()
    upload.be()
    upload.sent.clear()
    other = large_file()
    upload.choose(other)
    expect(page.get_by_text("version 1")).to_be_visible(timeout=60_000)

    assert upload.sent == [1, 2, 3]
    found = stored(server, seller, upload.product_id)
    assert found["sha256"] == sha256(other["buffer"]).hexdigest()


@pytest.mark.stress
def test_what_has_arrived_can_be_discarded(
    themed_page: Page, server: LiveServer, seller: Account
) -> None:
    page = themed_page
    upload = begin(page, server, seller, large_file())
    page.reload()
    upload.be()
    expect(page.get_by_role("button", name="Discard it")).to_be_visible()
    check(page)
    page.get_by_role("button", name="Discard it").click()
    expect(page.get_by_text("What had arrived is deleted.")).to_be_visible()
    expect(page.get_by_text("was interrupted")).to_have_count(0)
    path = f"/api/v1/products/{upload.product_id}/file/upload"
    answer = server.call("GET", path, token=seller.token)
    assert answer.status == 404
