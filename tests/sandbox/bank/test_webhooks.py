"""Webhooks of the bank: retries, and every mode."""

import time
from pathlib import Path
from typing import Any

import pytest

from sandbox.bank import webhooks
from sandbox.bank.signing import signed_headers
from tests.bank import KEYS, Merchant, Payer, SandboxBank, reference_of
from tests.live import Response, wait_until
from tests.simulators import call

# The simulators rarely change.
pytestmark = pytest.mark.stress


class TestDelivery:
    def test_a_webhook_is_retried_until_the_merchant_acknowledges_it(
        self, bank: SandboxBank, payer: Payer, merchant: Merchant
    ) -> None:
        merchant.answers = [500, 404]

        payer.decide(bank.payment_url())

        first, second, third = merchant.wait_for(3)
        assert first.body == second.body == third.body
        assert first.id == second.id == third.id
        assert all(webhook.genuine for webhook in (first, second, third))
        assert second.at - first.at > 0.2
        assert third.at - second.at > 0.4

    def test_each_attempt_is_signed_anew(
        self, bank: SandboxBank, payer: Payer, merchant: Merchant
    ) -> None:
        merchant.answers = [500, 500, 500]  # the waits take more than a second together

        payer.decide(bank.payment_url())

        stamps = {webhook.headers["webhook-timestamp"] for webhook in merchant.wait_for(4)}
        assert len(stamps) > 1

    def test_a_redirect_is_not_an_acknowledgement(
        self, bank: SandboxBank, payer: Payer, merchant: Merchant
    ) -> None:
        merchant.answers = [307]

        payer.decide(bank.payment_url())

        merchant.wait_for(2)

    def test_a_webhook_acknowledged_while_the_outbox_is_read_is_not_repeated(
        self,
        bank: SandboxBank,
        payer: Payer,
        merchant: Merchant,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        def pending_slowly(*arguments: Any) -> list[Any]:
            found = pending(*arguments)
            time.sleep(0.4)
            return found

        pending = webhooks.pending
        monkeypatch.setattr(webhooks, "pending", pending_slowly)
        merchant.pauses = [0, 0.2, 0.2]

        payer.decide(bank.payment_url(), mode="duplicate")

        merchant.wait_for(3)
        time.sleep(0.6)
        merchant.wait_for(3)

    def test_retries_end_after_a_while(self, merchant: Merchant, tmp_path: Path) -> None:
        merchant.answers = [500] * 20
        with SandboxBank.open(merchant.url, tmp_path, give_up_seconds="0.6") as bank:
            Payer().decide(bank.payment_url())

            wait_until(lambda: "given up" in call("GET", bank.url).text)
            assert len(merchant.received) <= 3

    def test_undelivered_webhooks_are_sent_after_a_restart(
        self, merchant: Merchant, tmp_path: Path
    ) -> None:
        with SandboxBank.open("http://127.0.0.1:9/{provider}", tmp_path) as bank:
            url = bank.payment_url()
            Payer().decide(url)
        assert merchant.received == []

        with SandboxBank.open(merchant.url, tmp_path):
            (webhook,) = merchant.wait_for(1)

        assert webhook.data["reference"] == reference_of(url)

    def test_each_bank_has_its_own_url_and_key(
        self, bank: SandboxBank, payer: Payer, merchant: Merchant
    ) -> None:
        payer.decide(bank.payment_url(bank="AXIS"))

        (webhook,) = merchant.wait_for(1)
        assert webhook.path == "/hooks/AXIS"
        assert webhook.genuine


class TestModes:
    """Selected on the page, for one payment."""

    def test_slow_arrives_late(self, bank: SandboxBank, payer: Payer, merchant: Merchant) -> None:
        paid = time.monotonic()
        payer.decide(bank.payment_url(), mode="slow")

        (webhook,) = merchant.wait_for(1)
        assert webhook.at - paid >= 0.8

    def test_duplicate_arrives_three_times(
        self, bank: SandboxBank, payer: Payer, merchant: Merchant
    ) -> None:
        payer.decide(bank.payment_url(), mode="duplicate")

        copies = merchant.wait_for(3)
        assert len({webhook.id for webhook in copies}) == 1
        assert all(webhook.body == copies[0].body and webhook.genuine for webhook in copies)
        assert copies[-1].at - copies[0].at < 2

    def test_reordered_arrive_last_first(
        self, bank: SandboxBank, payer: Payer, merchant: Merchant
    ) -> None:
        urls = [bank.payment_url() for _ in range(3)]
        for url in urls:
            payer.decide(url, mode="reordered")

        arrived = [webhook.data["reference"] for webhook in merchant.wait_for(3)]
        assert arrived == [reference_of(url) for url in reversed(urls)]

    def test_a_later_event_overtakes_a_reordered_one(
        self, bank: SandboxBank, payer: Payer, merchant: Merchant
    ) -> None:
        delayed, next_one = bank.payment_url(), bank.payment_url()
        payer.decide(delayed, mode="reordered")
        payer.decide(next_one)

        arrived = [webhook.data["reference"] for webhook in merchant.wait_for(2)]
        assert arrived == [reference_of(next_one), reference_of(delayed)]

    def test_forged_arrives_before_the_genuine_one_and_is_not_repeated(
        self, bank: SandboxBank, payer: Payer, merchant: Merchant
    ) -> None:
        payer.decide(bank.payment_url("25.00"), mode="forged")

        forged, genuine = merchant.wait_for(2)
        assert (forged.genuine, genuine.genuine) == (False, True)
        assert forged.id == genuine.id
        assert forged.data["reference"] == genuine.data["reference"]
        assert (forged.data["amount"], genuine.data["amount"]) == ("250.00", "25.00")
        assert genuine.data["userId"] == "user-1"
        assert forged.data["userId"] != "user-1"

    def test_wrong_amount_is_correctly_signed_and_the_statement_is_correct(
        self, bank: SandboxBank, payer: Payer, merchant: Merchant
    ) -> None:
        payer.decide(bank.payment_url("25.00"), mode="wrong-amount")

        (webhook,) = merchant.wait_for(1)
        assert webhook.genuine
        assert webhook.data["amount"] == "250.00"
        assert [line[4] for line in bank.statement()] == ["25.00"]

    def test_silent_sends_nothing_and_the_statement_is_correct(
        self, bank: SandboxBank, payer: Payer, merchant: Merchant
    ) -> None:
        url = bank.payment_url("25.00")
        payer.decide(url, mode="silent")

        assert merchant.wait_for(0) == []
        assert [line[1] for line in bank.statement()] == [reference_of(url)]


class TestSettingTheMode:
    def test_the_mode_applies_unless_another_is_selected(
        self, bank: SandboxBank, payer: Payer, merchant: Merchant
    ) -> None:
        assert bank.set_mode("duplicate").json == {"mode": "duplicate"}

        payer.decide(bank.payment_url())
        merchant.wait_for(3)
        payer.decide(bank.payment_url(), mode="normal")
        merchant.wait_for(4)
        payer.decide(bank.payment_url(bank="AXIS"))
        merchant.wait_for(5)

    def test_state_persists_across_restarts(self, merchant: Merchant, tmp_path: Path) -> None:
        with SandboxBank.open(merchant.url, tmp_path) as bank:
            bank.set_mode("duplicate")

        with SandboxBank.open(merchant.url, tmp_path) as bank:
            assert "Bank default (duplicate)" in Payer().open(bank.payment_url()).text

    def test_the_mode_can_be_set_on_the_overview(self, bank: SandboxBank, payer: Payer) -> None:
        page = payer.open(f"{bank.url}/")

        answer = payer.send(f"{bank.url}/axis/settings", page, mode="silent")

        assert answer.status == 303
        assert "Bank default (silent)" in payer.open(bank.payment_url(bank="AXIS")).text

    def test_another_site_cannot_set_the_mode(self, bank: SandboxBank, payer: Payer) -> None:
        page = payer.open(f"{bank.url}/")

        assert Payer().send(f"{bank.url}/axis/settings", page, mode="silent").status == 403
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        answer = call("POST", f"{bank.url}/hdfc/mode", body=b"mode=silent", headers=form)
        assert answer.status == 415

    @pytest.mark.parametrize("mode", ["loud", "", None, 3, []])
    def test_an_unknown_mode_is_refused(self, bank: SandboxBank, mode: str) -> None:
        answer = bank.set_mode(mode)

        assert answer.status == 400
        assert "wrong-amount" in answer.json["message"]


class TestList:
    def events(self, bank: SandboxBank, query: str, **headers: str) -> Response:
        signature = signed_headers(KEYS["HDFC"], message_id="msg_3", body="")
        return call("GET", f"{bank.url}/hdfc/events{query}", headers=signature | headers)

    def test_what_was_reported_can_be_read_again(
        self, bank: SandboxBank, payer: Payer, merchant: Merchant
    ) -> None:
        bank.set_mode("duplicate")
        payer.decide(bank.payment_url())
        sent = merchant.wait_for(3)[0].body
        bank.set_mode("silent")
        payer.decide(bank.payment_url())

        found = self.events(bank, "?since=2026-11-01T00:00:00Z").json
        rest = self.events(bank, f"?since=2026-11-01T00:00:00Z&after={sent['id']}").json

        assert [event["id"] for event in found["events"]].count(sent["id"]) == 1
        assert found["events"][0] == sent
        assert (len(found["events"]), found["hasMore"]) == (2, False)
        assert rest == {"events": found["events"][1:], "hasMore": False}
        assert self.events(bank, "?since=2100-01-01T00:00:00Z").json["events"] == []

    def test_only_the_merchant_reads_them_and_says_since_when(self, bank: SandboxBank) -> None:
        assert self.events(bank, "?since=2026-11-01T00:00:00Z", **{"webhook-id": "x"}).status == 401
        for query in ("", "?since=yesterday"):
            assert self.events(bank, query).status == 400
