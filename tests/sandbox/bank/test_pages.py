"""The payment page: what it shows, and that a request is paid or declined once."""

import time
from collections import Counter
from html import unescape

import jwt
import pytest

from tests.bank import KEYS, Merchant, Payer, SandboxBank, payment_request, reference_of
from tests.concurrency import all_at_once
from tests.simulators import call

# The simulators rarely change.
pytestmark = pytest.mark.stress


class TestShowing:
    def test_the_page_shows_payer_amount_and_merchant(
        self, bank: SandboxBank, payer: Payer
    ) -> None:
        url = bank.payment_url("1250.50", bank="AXIS", payer="Grace <b>Hopper</b>")

        page = payer.open(url)

        assert page.status == 200
        for text in ("Axis Bank", "$1,250.50", "USD", "Payment Flow", reference_of(url), "Sandbox"):
            assert text in page.text
        assert "Grace &lt;b&gt;Hopper&lt;/b&gt;" in page.text

    @pytest.mark.parametrize(
        ("amount", "currency", "shown"),
        [("5", "JPY", "¥5"), ("1.5", "KWD", "KD 1.500"), ("0.01", "EUR", "€0.01")],
    )
    def test_every_currency_is_shown_with_its_own_decimals(
        self, bank: SandboxBank, payer: Payer, amount: str, currency: str, shown: str
    ) -> None:
        page = payer.open(bank.payment_url(amount, currency=currency))

        assert f">{shown}</span>" in page.text

    def test_without_javascript_the_page_shows_the_time_of_expiry(
        self, bank: SandboxBank, payer: Payer
    ) -> None:
        expiry = int(time.time()) + 200

        page = payer.open(bank.payment_url(exp=expiry))

        assert f"{time.strftime('%H:%M:%S', time.gmtime(expiry))} UTC</time>" in page.text

    def test_the_page_loads_nothing_external_and_does_not_leak_its_url(
        self, bank: SandboxBank, payer: Payer
    ) -> None:
        page = payer.open(bank.payment_url())

        assert "//" not in page.text.replace("</", "")
        assert page.headers["Referrer-Policy"] == "no-referrer"
        assert page.headers["Cache-Control"] == "no-store"
        assert "default-src 'none'" in page.headers["Content-Security-Policy"]
        for path in ("sandbox.css", "pay.js"):
            assert call("GET", f"{bank.url}/sandbox/{path}").status == 200

    def test_an_unknown_bank_is_not_found(self, bank: SandboxBank, payer: Payer) -> None:
        page = payer.open(f"{bank.url}/nobank/pay?request={payment_request()}")

        assert page.status == 404
        assert "Bank not found." in page.text


class TestRefusing:
    def refuses(self, bank: SandboxBank, payer: Payer, request: str) -> bool:
        page = payer.open(f"{bank.url}/hdfc/pay?request={request}")
        return page.status == 400 and "This payment link is not valid" in page.text

    def test_a_changed_request_is_refused(self, bank: SandboxBank, payer: Payer) -> None:
        head, _, signature = payment_request("25.00").split(".")
        other_claims = payment_request("1.00").split(".")[1]

        assert self.refuses(bank, payer, f"{head}.{other_claims}.{signature}")

    def test_a_request_for_another_bank_is_refused(self, bank: SandboxBank, payer: Payer) -> None:
        assert self.refuses(bank, payer, payment_request(bank="AXIS"))

    def test_an_unsigned_request_is_refused(self, bank: SandboxBank, payer: Payer) -> None:
        claims = jwt.decode(payment_request(), KEYS["HDFC"], ["HS256"])

        assert self.refuses(bank, payer, jwt.encode(claims, None, "none"))

    @pytest.mark.parametrize("request_", ["", "nonsense", "a.b.c", "%00", "ü" * 50])
    def test_malformed_input_is_refused(
        self, bank: SandboxBank, payer: Payer, request_: str
    ) -> None:
        assert self.refuses(bank, payer, request_)

    @pytest.mark.parametrize(
        "claims",
        [
            {"amount": "0.00"},
            {"amount": "-5.00"},
            {"amount": "1.005"},
            {"amount": "1e3"},
            {"amount": 25},
            {"currency": "XXX"},
            {"reference": "short"},
            {"reference": None},
            {"exp": None},
            {"exp": 10**15},
            {"payer": ""},
            {"userId": 7},
            {"returnUrl": "javascript:alert(1)"},
        ],
        ids=str,
    )
    def test_an_invalid_claim_is_refused(
        self, bank: SandboxBank, payer: Payer, claims: dict[str, object]
    ) -> None:
        assert self.refuses(bank, payer, payment_request(**{"amount": "25.00", **claims}))


class TestDeciding:
    def test_paying_moves_the_money_and_notifies_the_merchant(
        self, bank: SandboxBank, payer: Payer, merchant: Merchant
    ) -> None:
        url = bank.payment_url("25.00")

        page = payer.decide(url)

        assert "Payment made" in page.text
        assert "$99,975.00 available" in payer.open(bank.payment_url()).text
        (webhook,) = merchant.wait_for(1)
        assert webhook.genuine
        assert webhook.path == "/hooks/HDFC"
        assert webhook.body["type"] == "payment.succeeded"
        assert webhook.body["id"] == webhook.id
        assert webhook.data == {
            "reference": reference_of(url),
            "amount": "25.00",
            "currency": "USD",
            "userId": "user-1",
            "bankReference": webhook.data["bankReference"],
            "reason": None,
        }
        assert webhook.data["bankReference"].startswith("HDFC")
        assert webhook.data["bankReference"] in page.text

    def test_the_page_links_back_to_the_merchant(self, bank: SandboxBank, payer: Payer) -> None:
        back = "http://localhost:3000/wallet?a=1&b=2"

        page = payer.decide(bank.payment_url(returnUrl=back))

        assert f'href="{back}"' in unescape(page.text)
        assert 'class="button' not in payer.decide(bank.payment_url()).text

    def test_declining_moves_nothing_and_is_final(
        self, bank: SandboxBank, payer: Payer, merchant: Merchant
    ) -> None:
        url = bank.payment_url()
        form = payer.open(url)

        assert "Payment declined" in payer.decide(url, "decline").text
        assert payer.send(url, form, "pay").status == 303
        assert "Payment declined" in payer.open(url).text

        (webhook,) = merchant.wait_for(1)
        assert webhook.body["type"] == "payment.failed"
        assert webhook.data["reason"] == "declined by the payer"
        assert bank.statement() == []

    def test_paying_is_final(self, bank: SandboxBank, payer: Payer) -> None:
        url = bank.payment_url()
        form = payer.open(url)

        payer.decide(url)
        payer.send(url, form, "decline")

        assert "Payment made" in payer.open(url).text

    def test_concurrent_submissions_pay_once(
        self, bank: SandboxBank, payer: Payer, merchant: Merchant
    ) -> None:
        url = bank.payment_url("25.00")
        form = payer.open(url)

        answers = all_at_once(lambda _: payer.send(url, form), range(16), threads=16)

        assert Counter(answer.status for answer in answers) == {303: 16}
        assert len(bank.statement()) == 1
        assert "$99,975.00 available" in payer.open(bank.payment_url()).text
        merchant.wait_for(1)

    def test_concurrent_payments_cannot_overdraw_an_account(
        self, bank: SandboxBank, payer: Payer
    ) -> None:
        forms = [(url, payer.open(url)) for url in (bank.payment_url("30000.00") for _ in range(6))]

        all_at_once(lambda form: payer.send(*form), forms, threads=6)

        assert len(bank.statement()) == 3
        assert "$10,000.00 available" in payer.open(bank.payment_url()).text

    def test_insufficient_funds_leave_the_request_open(
        self, bank: SandboxBank, payer: Payer, merchant: Merchant
    ) -> None:
        url = bank.payment_url("100000.01")

        page = payer.decide(url)

        assert "There is not enough money in the account." in page.text
        assert "Decline" in page.text
        assert merchant.wait_for(0) == []
        assert "Payment declined" in payer.decide(url, "decline").text

    def test_an_unknown_decision_or_mode_is_refused(self, bank: SandboxBank, payer: Payer) -> None:
        url = bank.payment_url()
        form = payer.open(url)

        assert payer.send(url, form, "perhaps").status == 400
        assert payer.send(url, form, mode="odd").status == 400
        assert bank.statement() == []


class TestExpiry:
    def test_an_expired_request_is_shown_as_expired(self, bank: SandboxBank, payer: Payer) -> None:
        page = payer.open(bank.payment_url(exp=int(time.time()) - 1))

        assert page.status == 410
        assert "This payment has expired" in page.text
        assert "No payment was made." in page.text

    def test_a_request_that_expires_while_the_page_is_open_is_not_paid(
        self, bank: SandboxBank, payer: Payer, merchant: Merchant
    ) -> None:
        url = bank.payment_url(exp=int(time.time()) + 3)
        form = payer.open(url)
        assert form.status == 200
        time.sleep(3)

        answer = payer.send(url, form)

        assert answer.status == 410
        assert "This payment has expired" in answer.text
        assert bank.statement() == []
        assert merchant.wait_for(0) == []

    def test_a_payment_is_still_shown_after_the_expiry(
        self, bank: SandboxBank, payer: Payer
    ) -> None:
        url = bank.payment_url(exp=int(time.time()) + 3)
        payer.decide(url)
        time.sleep(3)

        assert "Payment made" in payer.open(url).text


class TestForgedForms:
    def test_a_form_of_another_visitor_is_refused(self, bank: SandboxBank, payer: Payer) -> None:
        url = bank.payment_url()
        form = payer.open(url)
        other = Payer()
        other.open(url)

        assert other.send(url, form).status == 403
        assert Payer().send(url, form).status == 403
        assert bank.statement() == []

    def test_a_form_for_another_request_is_refused(self, bank: SandboxBank, payer: Payer) -> None:
        url, other = bank.payment_url(), bank.payment_url("99.00")
        form = payer.open(url)

        answer = payer.send(url, form, request=other.partition("=")[2])

        assert answer.status == 403
        assert "Open the page again." in answer.text

    def test_two_tabs_work_side_by_side(self, bank: SandboxBank, payer: Payer) -> None:
        first, second = bank.payment_url(), bank.payment_url()
        forms = payer.open(first), payer.open(second)

        assert payer.send(first, forms[0]).status == 303
        assert payer.send(second, forms[1]).status == 303
        assert len(bank.statement()) == 2
