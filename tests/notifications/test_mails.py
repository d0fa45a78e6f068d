"""Mails: what they say, to whom they go, and what they can never contain."""

import re
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy import update

from app.auth.models import User
from app.common.db import transaction
from app.events.catalogue.notifications import NotificationRequest
from app.products.models import ProductKind
from tests import factories
from tests.delivery import helpers as delivery_helpers
from tests.delivery.codes.helpers import stocked
from tests.factories import Actor
from tests.giveaways.helpers import claim, created
from tests.mail_catcher import MailCatcher, html_of, text_of
from tests.notifications.helpers import choose, outgoing, record, send_mails
from tests.orders.helpers import buy
from tests.payment_requests.helpers import created_code, created_request, pay_code


def change_user(user: Actor, **values: object) -> None:
    with transaction() as session:
        session.execute(update(User).where(User.id == user.id).values(**values))


def request_notification(user: Actor, subject: str, text: str, link: str | None = None) -> None:
    record(NotificationRequest(aggregate_id=user.id, subject=subject, text=text, link=link))


class TestPurchase:
    @pytest.mark.parametrize(
        ("support_email", "reply_to"),
        [
            ("help@bäckerei.example.com", "help@xn--bckerei-5wa.example.com"),
            ("grüße@x.example.com", None),
        ],
    )
    def test_answers_go_to_addresses_that_every_server_takes(
        self, client: FlaskClient, catcher: MailCatcher, support_email: str, reply_to: str | None
    ) -> None:
        seller, buyer = factories.merchant(), factories.buyer()
        change_user(seller, support_email=support_email)
        buy(client, buyer, factories.product(seller))

        send_mails()

        (mail,) = catcher.mails_to(buyer.email)
        assert mail["Reply-To"] == reply_to

    def test_the_buyer_receives_the_codes(self, client: FlaskClient, catcher: MailCatcher) -> None:
        seller, product_id = stocked(client, "AAAA-1111", "BBBB-2222")
        change_user(seller, shop_name="Corner Bakery", support_email="help@bakery.example.com")
        buyer = factories.buyer()
        order = buy(client, buyer, product_id, quantity=2).json

        send_mails()

        (mail,) = catcher.mails_to(buyer.email)
        assert mail["Subject"] == f"Your order {order['number']} from Corner Bakery"
        assert mail["Reply-To"] == "help@bakery.example.com"
        for text in (text_of(mail), html_of(mail)):
            assert "AAAA-1111" in text
            assert "BBBB-2222" in text
            assert "$2.00" in text
            assert "Corner Bakery" in text
            assert re.search(r"http://localhost:\d+/orders/[\w-]{48}", text)

    def test_codes_that_were_mailed_are_not_sold_again(
        self, client: FlaskClient, catcher: MailCatcher
    ) -> None:
        seller, product_id = stocked(client, "AAAA-1111")
        order = buy(client, factories.buyer(), product_id).json
        send_mails()

        answer = client.post(
            f"/api/v1/orders/{order['id']}/refunds", json={}, headers=seller.headers
        )

        assert answer.status_code == 201, answer.text
        assert client.get(f"/api/v1/products/{product_id}").json["availableUnits"] == 0

    def test_a_merchant_can_have_only_a_link_sent(
        self, client: FlaskClient, catcher: MailCatcher
    ) -> None:
        seller, product_id = stocked(client, "AAAA-1111")
        client.patch("/api/v1/shop", json={"goodsInMail": False}, headers=seller.headers)
        buyer = factories.buyer()
        buy(client, buyer, product_id)

        send_mails()

        (mail,) = catcher.mails_to(buyer.email)
        assert "AAAA-1111" not in text_of(mail) + html_of(mail)
        (url,) = re.findall(r"http://localhost:\d+(/orders/[\w-]{48})", text_of(mail))
        assert "AAAA-1111" in client.get(url).text

    def test_the_buyer_receives_the_licence_key(
        self, client: FlaskClient, catcher: MailCatcher
    ) -> None:
        seller = factories.merchant()
        product_id = delivery_helpers.product(seller, ProductKind.LICENCE, units=5)
        buyer = factories.buyer()
        order = buy(client, buyer, product_id).json
        delivered = client.get(f"/api/v1/orders/{order['id']}/delivery", headers=buyer.headers).json

        send_mails()

        (mail,) = catcher.mails_to(buyer.email)
        assert delivered["licences"][0]["key"] in text_of(mail)

    def test_amounts_and_times_are_in_the_locale_and_zone_of_the_reader(
        self, client: FlaskClient, catcher: MailCatcher
    ) -> None:
        buyer = factories.buyer("5000.00")
        client.patch(
            "/api/v1/auth/me",
            json={"locale": "de-DE", "timeZone": "Asia/Kolkata"},
            headers=buyer.headers,
        )
        buy(client, buyer, factories.product(factories.merchant(), price="999.50"))

        send_mails()

        (mail,) = catcher.mails_to(buyer.email)
        assert "999,50 $" in text_of(mail).replace("\xa0", " ")
        assert "GMT+05:30" in text_of(mail)


class TestPages:
    def test_a_payment_request_leads_to_its_page(
        self, client: FlaskClient, catcher: MailCatcher
    ) -> None:
        payer = factories.buyer()
        request = created_request(client, factories.merchant(), to=payer, amount="12.50")

        send_mails()

        (mail,) = catcher.mails_to(payer.email)
        (path,) = re.findall(r"http://localhost:\d+(/pay/[\w-]{22})", text_of(mail))
        assert path == f"/pay/{request['token']}"
        assert "$12.50" in client.get(path).text
        assert "Pay or decline" in html_of(mail)

    def test_a_payment_leads_to_its_receipt(
        self, client: FlaskClient, catcher: MailCatcher
    ) -> None:
        payer = factories.buyer()
        code = created_code(client, factories.merchant(), amount="12.50")
        pay_code(client, payer, code)

        send_mails()

        (mail,) = catcher.mails_to(payer.email)
        (path,) = re.findall(r"http://localhost:\d+(/receipts/[\w-]{48})", text_of(mail))
        assert "$12.50" in client.get(path).text

    def test_a_gift_is_called_one(self, client: FlaskClient, catcher: MailCatcher) -> None:
        seller, product_id = stocked(client, "AAAA-1111")
        user = factories.actor()
        claim(client, user, created(client, seller, product_id, "LINK", 1))

        send_mails()

        (mail,) = catcher.mails_to(user.email)
        text = text_of(mail)
        assert mail["Subject"].startswith("A gift from ")
        assert "Your gift:" in text
        assert "AAAA-1111" in text
        assert "bought" not in text + html_of(mail)


class TestAddresses:
    def test_a_domain_of_another_script_is_encoded(
        self, client: FlaskClient, catcher: MailCatcher
    ) -> None:
        user = factories.buyer()
        change_user(user, email="alice@straße.example", email_key="alice@straße.example")
        request_notification(user, "Hello", "Text")

        send_mails()

        assert [mail["To"] for mail in catcher.mails] == ["alice@xn--strae-oqa.example"]

    def test_a_name_of_another_script_is_received(
        self, client: FlaskClient, catcher: MailCatcher
    ) -> None:
        user = factories.buyer()
        change_user(user, email="संपर्क@example.test", email_key="संपर्क@example.test")
        request_notification(user, "नमस्ते", "Text")

        send_mails()

        assert [mail["Subject"] for mail in catcher.mails] == ["नमस्ते"]

    def test_the_sender_may_be_of_this_machine(
        self, client: FlaskClient, catcher: MailCatcher, change_server: Callable[..., None]
    ) -> None:
        change_server(sender="no-reply@localhost")
        request_notification(factories.buyer(), "Hello", "Text")

        send_mails()

        assert [mail["From"] for mail in catcher.mails] == ["Payment Flow <no-reply@localhost>"]


class TestSafety:
    def test_html_is_escaped(self, client: FlaskClient, catcher: MailCatcher) -> None:
        seller = factories.merchant()
        change_user(seller, shop_name="<b>Shop</b>")
        product_id = factories.product(seller, name='<script>alert("1")</script>')
        buyer = factories.buyer()
        buy(client, buyer, product_id)

        send_mails()

        (mail,) = catcher.mails_to(buyer.email)
        assert "<script" not in html_of(mail)
        assert "<b>" not in html_of(mail)
        assert "&lt;script&gt;" in html_of(mail)
        assert '<script>alert("1")</script>' in text_of(mail)

    def test_a_subject_cannot_add_headers(self, client: FlaskClient, catcher: MailCatcher) -> None:
        user = factories.buyer()
        request_notification(user, "Hello\r\nBcc: thief@example.com\r\n\r\nBody", "Text")

        send_mails()

        (mail,) = catcher.mails
        assert mail["To"] == user.email
        assert mail["Bcc"] is None
        assert mail["Subject"] == "Hello Bcc: thief@example.com Body"

    def test_only_https_links_become_a_button(
        self, client: FlaskClient, catcher: MailCatcher
    ) -> None:
        user = factories.buyer()
        request_notification(user, "One", "Text", link="javascript:alert(1)")
        request_notification(user, "Two", "Text", link="https://example.com/x")

        send_mails()

        by_subject = {mail["Subject"]: html_of(mail) for mail in catcher.mails}
        assert "javascript" not in by_subject["One"]
        assert 'href="https://example.com/x"' in by_subject["Two"]

    def test_every_mail_has_text_and_html_that_fits_a_phone(
        self, client: FlaskClient, catcher: MailCatcher
    ) -> None:
        request_notification(factories.buyer(), "Hello", "Text")

        send_mails()

        (mail,) = catcher.mails
        kinds = [part.get_content_type() for part in mail.walk()]
        assert kinds == ["multipart/alternative", "text/plain", "text/html"]
        assert "max-width:600px" in html_of(mail)
        assert "<style" not in html_of(mail)
        assert "<img" not in html_of(mail)


class TestUnsubscribing:
    def test_a_mail_can_be_unsubscribed_from_with_one_click(
        self, client: FlaskClient, catcher: MailCatcher
    ) -> None:
        user = factories.buyer()
        request_notification(user, "One", "Text")
        send_mails()
        (mail,) = catcher.mails
        assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        path = re.sub(r"^<http://localhost:\d+|>$", "", mail["List-Unsubscribe"])

        opened = client.get(path)
        assert "Unsubscribe?" in opened.text
        answer = client.post(path, data={"List-Unsubscribe": "One-Click"})

        assert answer.status_code == 200
        assert "You are unsubscribed" in answer.text
        request_notification(user, "Two", "Text")
        send_mails()
        assert len(catcher.mails) == 1

    def test_the_address_is_sent_as_it_is(self, client: FlaskClient, catcher: MailCatcher) -> None:
        user = factories.buyer()
        request_notification(user, "One", "Text")
        send_mails()
        (source,) = catcher.sources
        (mail,) = catcher.mails
        assert f"\r\nList-Unsubscribe: {mail['List-Unsubscribe']}\r\n".encode() in source
        assert re.search(rb"\r\nList-Unsubscribe: <http://[!-~]{60,}>\r\n", source)

    def test_the_page_says_which_mails_end(self, client: FlaskClient, catcher: MailCatcher) -> None:
        buyer = factories.buyer()
        buy(client, buyer, factories.product(factories.merchant()))
        send_mails()
        (mail,) = catcher.mails_to(buyer.email)
        path = re.sub(r"^<http://localhost:\d+|>$", "", mail["List-Unsubscribe"])

        assert (
            "We will no longer send you mails about your purchases: receipts, codes and licence"
            " keys." in client.get(path).text
        )
        assert "you can turn the mails on again" in client.post(path).text

    def test_opening_the_page_changes_nothing(
        self, client: FlaskClient, catcher: MailCatcher
    ) -> None:
        user = factories.buyer()
        request_notification(user, "One", "Text")
        send_mails()
        path = re.sub(r"^<http://localhost:\d+|>$", "", catcher.mails[0]["List-Unsubscribe"])
        client.get(path)
        request_notification(user, "Two", "Text")

        send_mails()

        assert len(catcher.mails) == 2

    def test_a_changed_address_is_refused(self, client: FlaskClient, catcher: MailCatcher) -> None:
        user = factories.buyer()
        request_notification(user, "One", "Text")
        send_mails()
        path = re.sub(r"^<http://localhost:\d+|>$", "", catcher.mails[0]["List-Unsubscribe"])
        changed = path[:-6] + ("A" if path[-6] != "A" else "B") + path[-5:]

        for wrong in (changed, path[:-3], "/notifications/unsubscribe/x"):
            assert client.get(wrong).status_code == 404
            assert client.post(wrong).status_code == 404

    def test_security_notices_have_no_such_address(
        self, client: FlaskClient, catcher: MailCatcher
    ) -> None:
        user = factories.buyer()
        client.post(
            "/api/v1/auth/password",
            json={"currentPassword": factories.PASSWORD, "newPassword": "a-fine-secret-2"},
            headers=user.headers,
        )

        send_mails()

        (mail,) = catcher.mails
        assert mail["Subject"] == "Your password was changed"
        assert mail["List-Unsubscribe"] is None
        assert "unsubscribe" not in html_of(mail).lower()


class TestDigest:
    def test_sales_beyond_the_maximum_are_collected_in_one_mail(
        self,
        client: FlaskClient,
        catcher: MailCatcher,
        change_server: Callable[..., None],
    ) -> None:
        change_server(max_sales_per_hour=2)
        seller, buyer = factories.merchant(), factories.buyer()
        choose(client, buyer, "PURCHASE", email=False)
        product_id = factories.product(seller, units=20, price="1.50")
        numbers = [buy(client, buyer, product_id).json["number"] for _ in range(6)]
        send_mails()
        assert len(catcher.mails_to(seller.email)) == 2

        with transaction() as session:
            session.execute(
                update(type(outgoing()[0]))
                .where(type(outgoing()[0]).status == "COLLECTED")
                .values(next_attempt_at=type(outgoing()[0]).created_at)
            )
        send_mails()

        *_, mail = catcher.mails_to(seller.email)
        assert len(catcher.mails_to(seller.email)) == 3
        assert mail["Subject"] == "4 sales for $6.00"
        for number in numbers[2:]:
            assert number in text_of(mail)
        assert send_mails() == 0
