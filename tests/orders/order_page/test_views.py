"""The page of an order: what it shows, to whom, and until when."""

import re
from uuid import UUID

import pytest
from flask.testing import FlaskClient

from app.orders.order_page.links import LINKS
from app.products.models import ProductKind
from tests import factories
from tests.delivery import helpers as goods
from tests.delivery.codes.helpers import stocked
from tests.delivery.files import helpers as files
from tests.delivery.files.downloads.helpers import get
from tests.factories import Actor
from tests.giveaways.helpers import claim, created
from tests.orders.helpers import ORDERS, buy
from tests.orders.order_page.helpers import download_link, page_path, words
from tests.responses import refusal
from tests.shops.helpers import with_shop


class TestContent:
    def test_it_shows_order_codes_and_shop_without_a_sign_in(self, client: FlaskClient) -> None:
        seller, product_id = stocked(client, "GIFT-7F3A-21C9", "GIFT-0B6E-84D1", "GIFT-9999-0000")
        with_shop(client, seller, name="Corner Bakery", supportEmail="help@bakery.example.com")
        buyer = factories.buyer()
        order = buy(client, buyer, product_id, quantity=2).json

        shown = words(client, page_path(client, buyer, order["id"]))

        assert "Thank you" in shown
        assert "GIFT-7F3A-21C9" in shown
        assert "GIFT-0B6E-84D1" in shown
        assert "GIFT-9999-0000" not in shown
        assert order["number"] in shown
        assert "Sold by Corner Bakery help@bakery.example.com" in shown
        assert "Payment Wallet" in shown
        assert "2 \N{MULTIPLICATION SIGN} $1.00 $2.00" in shown
        assert "Total $2.00" in shown
        assert buyer.email not in shown

    def test_a_licence_shows_its_key_and_terms(self, client: FlaskClient) -> None:
        buyer = factories.buyer()
        product_id = goods.product(factories.merchant(), ProductKind.LICENCE, units=5)
        order = goods.order(client, buyer, product_id).json
        (licence,) = goods.get_delivery(client, buyer, order["id"]).json["licences"]

        shown = words(client, page_path(client, buyer, order["id"]))

        assert licence["key"] in shown

    def test_the_receipt_has_the_amounts_and_no_goods(self, client: FlaskClient) -> None:
        seller, product_id = stocked(client, "GIFT-7F3A-21C9")
        buyer = factories.buyer()
        order = buy(client, buyer, product_id).json
        path = page_path(client, buyer, order["id"])

        shown = words(client, f"{path}/receipt")

        assert f"Receipt Order {order['number']} Paid" in shown
        assert "Total $1.00" in shown
        assert "GIFT" not in shown
        assert seller.email not in shown
        assert buyer.email not in shown

    def test_a_discount_and_a_refund_are_shown(self, client: FlaskClient) -> None:
        seller, buyer = factories.merchant(), factories.buyer()
        product_id = factories.product(seller, price="10.00", units=5)
        coupon = {"code": "SPRING", "kind": "FIXED", "value": "1.00"}
        assert (
            client.post("/api/v1/coupons", json=coupon, headers=seller.headers).status_code == 201
        )
        order = buy(client, buyer, product_id, quantity=2, couponCode="SPRING").json
        path = page_path(client, buyer, order["id"])
        refund = {"amount": "4.00"}
        client.post(f"{ORDERS}/{order['id']}/refunds", json=refund, headers=seller.headers)

        shown = words(client, path)

        assert "Discount Coupon SPRING \N{MINUS SIGN}$1.00" in shown
        assert "Total $19.00 Refunded \N{MINUS SIGN}$4.00 Paid after refunds $15.00" in shown

    def test_after_a_part_was_refunded_the_rest_is_told_from_what_was_taken_back(
        self, client: FlaskClient
    ) -> None:
        seller, product_id = stocked(client, "GIFT-AAAA-0001", "GIFT-BBBB-0002", "GIFT-CCCC-0003")
        buyer = factories.buyer()
        order = buy(client, buyer, product_id, quantity=3).json
        path = page_path(client, buyer, order["id"])
        before = words(client, path)
        answer = client.post(
            f"{ORDERS}/{order['id']}/refunds", json={"units": 1}, headers=seller.headers
        )
        assert answer.status_code == 201, answer.text

        shown = words(client, path)

        assert "2 of 3 are yours. 1 was taken back with the refund." in shown
        (gone,) = (
            code for code in re.findall("GIFT-[A-Z]{4}-[0-9]{4}", before) if code not in shown
        )
        assert f"{gone[-4:]} Taken back with a refund." in shown
        assert "Refunded 1 of 3 taken back \N{MINUS SIGN}$1.00 Paid after refunds $2.00" in shown

    def test_what_has_no_download_or_code_says_what_happens_next(self, client: FlaskClient) -> None:
        seller, buyer = factories.merchant(), factories.buyer()
        with_shop(client, seller, name="Corner Bakery", supportEmail="help@bakery.example.com")
        order = buy(client, buyer, factories.product(seller)).json

        shown = words(client, page_path(client, buyer, order["id"]))

        assert "What happens next Corner Bakery has your order" in shown
        assert f"Name the order number {order['number']}" in shown
        assert "when you write to help@bakery.example.com" in shown

    def test_a_gift_is_called_one(self, client: FlaskClient) -> None:
        seller, product_id = stocked(client, "GIFT-7F3A-21C9")
        with_shop(client, seller, name="Corner Bakery")
        buyer = factories.buyer()
        order = claim(client, buyer, created(client, seller, product_id, "LINK", 1)).json

        shown = words(client, page_path(client, buyer, order["id"]))

        assert "A gift for you Your gift GIFT-7F3A-21C9" in shown
        assert "Given by Corner Bakery Payment None: this is a gift" in shown
        for word in ("Wallet", "bought", "$", "Receipt", "Discount", "Sold by"):
            assert word not in shown

    def test_amounts_and_times_are_in_the_format_of_the_reader(self, client: FlaskClient) -> None:
        buyer = factories.buyer("5000.00")
        order = buy(client, buyer, factories.product(factories.merchant(), price="999.50")).json
        path = page_path(client, buyer, order["id"])

        assert "Total $999.50" in words(client, path)
        german = client.get(path, headers={"Accept-Language": "de-DE"}).text.replace("\xa0", " ")
        assert "999,50 $" in german

    def test_after_a_whole_refund_the_goods_are_gone(self, client: FlaskClient) -> None:
        seller, product_id = stocked(client, "GIFT-7F3A-21C9")
        buyer = factories.buyer()
        order = buy(client, buyer, product_id).json
        path = page_path(client, buyer, order["id"])
        answer = client.post(f"{ORDERS}/{order['id']}/refunds", headers=seller.headers)
        assert answer.status_code == 201, answer.text

        shown = words(client, path)

        assert "You have the whole amount back" in shown
        assert "GIFT-7F3A-21C9" not in shown

    def test_what_people_wrote_is_text(self, client: FlaskClient) -> None:
        product_id = factories.product(factories.merchant(), name="<b>Bold</b> & co")
        buyer = factories.buyer()
        path = page_path(client, buyer, buy(client, buyer, product_id).json["id"])

        assert "&lt;b&gt;Bold&lt;/b&gt; &amp; co" in client.get(path).text


class TestAddress:
    @pytest.fixture
    def bought(self, client: FlaskClient) -> tuple[Actor, str, str]:
        """The buyer, the order's id and the path of its page."""
        buyer = factories.buyer()
        order = buy(client, buyer, factories.product(factories.merchant())).json
        return buyer, order["id"], page_path(client, buyer, order["id"])

    def test_only_the_buyer_gets_it(
        self, client: FlaskClient, bought: tuple[Actor, str, str]
    ) -> None:
        _, order_id, _ = bought
        for method, path in (("GET", "page"), ("POST", "page/revoke")):
            answer = client.open(
                f"{ORDERS}/{order_id}/{path}", method=method, headers=factories.actor().headers
            )
            assert refusal(answer) == (404, "ORDER_NOT_FOUND")

    def test_a_revoked_address_is_gone_and_the_new_one_works(
        self, client: FlaskClient, bought: tuple[Actor, str, str]
    ) -> None:
        buyer, order_id, first = bought
        for _ in range(2):
            answer = client.post(f"{ORDERS}/{order_id}/page/revoke", headers=buyer.headers)
            assert answer.status_code == 200
        last = answer.json["url"].removeprefix("http://localhost:3000")

        assert last == page_path(client, buyer, order_id)
        assert "replaced" in words(client, first, status=404)
        assert client.get(f"{first}/receipt").status_code == 404
        assert client.get(last).status_code == 200

    def test_download_links_of_a_revoked_page_stop_and_new_ones_work(
        self, client: FlaskClient
    ) -> None:
        buyer = factories.buyer()
        order_id = files.bought(client, buyer, files.on_sale(client, factories.merchant())).order_id
        used, unused = (
            download_link(client, page_path(client, buyer, str(order_id))) for _ in range(2)
        )
        assert get(client, used).status_code == 200

        client.post(f"{ORDERS}/{order_id}/page/revoke", headers=buyer.headers)

        for link in (used, unused):
            assert refusal(client.get(link)) == (410, "DOWNLOAD_REVOKED")
        new = download_link(client, page_path(client, buyer, str(order_id)))
        assert get(client, new).status_code == 200

    def test_a_forged_address_is_refused(
        self, client: FlaskClient, bought: tuple[Actor, str, str]
    ) -> None:
        _, order_id, path = bought
        token = path.removeprefix("/orders/")
        later = LINKS.sign(UUID(order_id), serial=1)
        for forged in (
            "A" * 48,
            token[:-1] + ("A" if token[-1] != "A" else "B"),
            later,
            later[:24] + token[24:],
            token + "A",
            order_id,
        ):
            assert client.get(f"/orders/{forged}").status_code == 404
