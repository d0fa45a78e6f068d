"""Users verify their email address and phone number, and change the address, in a real browser."""

import itertools
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from app.common.settings import Settings
from tests import servers
from tests.browser import chromium, page
from tests.console.accessibility import check
from tests.console.accessibility import page as themed_page
from tests.console.helpers import (
    Account,
    call,
    new_account,
    open_view,
    same_origin,
    sign_in,
)
from tests.live import PASSWORD, LiveServer, wait_until
from tests.mail_catcher import MailCatcher, text_of

__all__ = ["chromium", "page", "same_origin", "themed_page"]  # fixtures, found by name


NUMBERS = itertools.count(12345679)


@pytest.fixture(scope="module")
def catcher(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MailCatcher]:
    with MailCatcher.open(tmp_path_factory.mktemp("mails")) as opened:
        yield opened


@pytest.fixture(scope="module")
def server(settings: Settings, worker_number: int, catcher: MailCatcher) -> Iterator[LiveServer]:
    with (
        servers.database(f"payment_flow_console_handles_{worker_number}") as made,
        LiveServer.start(
            settings,
            made,
            workers=1,
            RATELIMIT_ENABLED="true",
            SMTP_URL=f"smtp://127.0.0.1:{catcher.smtp_port}?tls=off",
        ) as started,
        started.worker(),
    ):
        yield started


@pytest.fixture
def user(server: LiveServer) -> Account:
    return new_account(server)


def open_link(page: Page, server: LiveServer, catcher: MailCatcher, address: str) -> None:
    """Open the link of the last mail to an address in another tab, and press its button."""
    wait_until(lambda: catcher.mails_to(address), seconds=60)
    (path,) = re.findall(
        r"https?://[^/ ]+(/\S*?verify/[\w-]{48})", text_of(catcher.mails_to(address)[-1])
    )
    tab = page.context.new_page()
    tab.goto(f"{server.url}{path}")
    tab.get_by_role("button").click()
    expect(tab.get_by_role("heading", name="Your address is verified")).to_be_visible()
    tab.close()


@pytest.mark.stress
def test_an_address_is_verified_and_the_page_notices(
    page: Page, server: LiveServer, catcher: MailCatcher, user: Account
) -> None:
    sign_in(page, server, user, "/settings", heading="Settings")
    section = page.get_by_role("region", name="Email address and phone number")
    expect(section).to_contain_text("Not verified yet")
    section.get_by_role("button", name="Verify by email").click()
    expect(section).to_contain_text(f"We have sent a link to {user.email}.")
    open_link(page, server, catcher, user.email)

    expect(page.get_by_text("Your email address is verified.")).to_be_visible()
    expect(section.get_by_text("Verified", exact=True)).to_be_visible()
    expect(section.get_by_role("button", name=re.compile("link|Verify by email"))).to_have_count(0)


@pytest.mark.stress
def test_another_link_can_be_sent_until_the_limit(
    page: Page, server: LiveServer, user: Account
) -> None:
    sign_in(page, server, user, "/settings", heading="Settings")
    with page.expect_response("**/auth/email/verification"):
        page.get_by_role("button", name="Verify by email").click()
    again = page.get_by_role("button", name="Send another link")
    for _ in range(2):
        with page.expect_response("**/auth/email/verification"):
            again.click()
    with page.expect_response("**/auth/email/verification") as refused:
        again.click()
    assert refused.value.status == 429
    expect(page.get_by_role("alert").filter(has_text="Too many")).to_be_visible()


@pytest.mark.stress
def test_the_address_is_changed_by_a_link_to_the_new_one_and_the_earlier_is_told(
    page: Page, server: LiveServer, catcher: MailCatcher, user: Account
) -> None:
    new = user.email.replace("@", "+new@")
    sign_in(page, server, user, "/settings", heading="Settings")
    page.get_by_role("button", name="Change the address").click()
    page.get_by_label("New email address").fill(new)
    page.get_by_label("Your password").fill("not-the-password")
    page.get_by_role("button", name="Send a link to the new address").click()
    expect(page.get_by_text("This is not your password.")).to_be_visible()
    page.get_by_label("Your password").fill(PASSWORD)
    page.get_by_role("button", name="Send a link to the new address").click()
    section = page.get_by_role("region", name="Email address and phone number")
    expect(section).to_contain_text(f"all other sessions end, and {user.email} is told")
    open_link(page, server, catcher, new)

    expect(page.get_by_text(f"Your email address is {new} now.")).to_be_visible()
    expect(section.get_by_text(new, exact=True)).to_be_visible()
    wait_until(lambda: len(catcher.mails_to(user.email)) > 1, seconds=60)


@pytest.mark.stress
def test_a_number_is_verified_by_the_code_of_a_text_message(
    page: Page, server: LiveServer, user: Account
) -> None:
    phone = f"+49151{next(NUMBERS)}"
    me = call(server, user.token, "PATCH", "/auth/me", {"phone": phone})
    sign_in(page, server, user, "/settings", heading="Settings")
    page.get_by_role("button", name="Verify by text message").click()
    expect(page.get_by_text(f"We have sent a code to {phone}.")).to_be_visible()
    page.get_by_label("Code of the text message").fill("000000")
    page.get_by_role("button", name="Confirm the number").click()
    expect(page.get_by_text("The code is wrong or has expired")).to_be_visible()

    # Only whoever has the telephone knows the code.
    verified = me | {"phoneVerifiedAt": "2026-11-27T12:00:00.000Z"}
    page.route("**/phone/verification/confirm", lambda route: route.fulfill(json=verified))
    page.get_by_role("button", name="Confirm the number").click()
    expect(page.get_by_text("Your phone number is verified.")).to_be_visible()
    expect(page.get_by_role("button", name="Verify by text message")).to_have_count(0)


@pytest.mark.stress
def test_its_states_are_accessible(themed_page: Page, server: LiveServer, user: Account) -> None:
    page = themed_page
    phone = f"+49151{next(NUMBERS)}"
    call(server, user.token, "PATCH", "/auth/me", {"phone": phone})
    sign_in(page, server, user)
    open_view(page, server, "/settings", heading="Settings")
    page.get_by_role("button", name="Verify by email").click()
    page.get_by_role("button", name="Verify by text message").click()
    page.get_by_role("button", name="Change the address").click()
    page.get_by_role("button", name="Send a link to the new address").click()
    expect(page.get_by_label("New email address")).to_be_focused()
    expect(page.get_by_label("Code of the text message")).to_be_visible()
    check(page)
