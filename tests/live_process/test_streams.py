"""The streams, as the clients of the real-time payments dashboard and of our console use them."""

from contextlib import suppress
from decimal import Decimal

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from app.auth.stream_tickets import service as stream_tickets
from app.auth.tokens import read_access_token
from app.common.money import Money
from app.transfers.recipients import UserIdentifier
from app.transfers.service import NewTransfer
from app.wallets import service as wallets
from app.wallets.holds.movements import NewHold
from tests import factories
from tests.insights.helpers import purchase, refusal, review
from tests.live import wait_until
from tests.live_process.helpers import LiveProcess, close_code, is_silent, next_transaction, relay

pytestmark = pytest.mark.usefixtures("live_database")


def test_a_dashboard_gets_every_transaction_as_it_is_decided(live: LiveProcess) -> None:
    buyer, seller = factories.buyer(), factories.merchant()
    with live.web_socket() as socket:
        relay(purchase(buyer, seller, amount=1999, riskScore="0.125", latencyMs=12))
        relay(refusal(buyer, code="RISK_DECLINED"), review(buyer))

        approved, declined, reviewed = (next_transaction(socket) for _ in range(3))

    assert approved.keys() == {
        "id",
        "transaction_id",
        "user_id",
        "amount",
        "merchant",
        "status",
        "decline_reason",
        "processing_latency",
        "currency",
        "kind",
        "risk_score",
        "timestamp",
    }
    assert (approved["amount"], approved["currency"]) == (19.99, "USD")
    assert (approved["status"], approved["decline_reason"]) == ("APPROVED", None)
    assert (approved["processing_latency"], approved["risk_score"]) == (12, 0.125)
    assert isinstance(approved["user_id"], int)
    assert approved["timestamp"].endswith("+00:00")
    assert (declined["status"], declined["decline_reason"]) == ("DECLINED", "FRAUD_DETECTED")
    assert reviewed["status"] == "REVIEW"
    assert approved["id"] < declined["id"] < reviewed["id"]
    assert buyer.email not in str((approved, declined, reviewed))


def test_a_merchant_and_a_buyer_see_their_own_transactions_only(live: LiveProcess) -> None:
    buyer, seller, stranger = factories.buyer(), factories.merchant(), factories.merchant()
    with (
        live.events(buyer.token) as of_buyer,
        live.events(seller.token) as of_seller,
        live.web_socket(additional_headers=stranger.headers) as of_stranger,
    ):
        relay(purchase(factories.buyer(), factories.merchant(), amount=1))
        relay(purchase(buyer, seller, amount=2500, riskScore="0.5"))

        assert of_buyer.next_transaction()["amount"] == 25
        seen = of_seller.next_transaction()
        assert seen["amount"] == 25
        # Neither learns what the screening thinks of it.
        assert seen["risk_score"] is None
        assert is_silent(of_stranger)


def test_users_learn_of_every_change_of_their_own_wallet(live: LiveProcess) -> None:
    giver, receiver, shop = factories.buyer("30.00"), factories.buyer("1.00"), factories.merchant()
    with live.events(giver.token) as of_giver, live.events(receiver.token) as of_receiver:
        first = {"balance": "1.00", "available": "1.00", "held": "0.00"}
        assert of_receiver.next_wallet() == first | {"currency": "USD", "isLocked": False}
        assert of_giver.next_wallet()["balance"] == "30.00"

        with factories.ledger_session() as session:
            to = UserIdentifier(user_id=receiver.id)
            gift = NewTransfer(to, Money(500, "USD"), factories.NO_CODE, note="Hello")
            factories.execute(session, gift, giver.id)
        # The other's wallet is not told of.
        assert of_receiver.next_wallet()["balance"] == "6.00"
        assert of_giver.next_wallet()["balance"] == "25.00"

        with factories.ledger_session() as session:
            hold = NewHold(shop.id, Decimal(2), "USD", factories.NO_CODE)
            factories.execute(session, hold, receiver.id)
            wallet_id = factories.wallet(session, receiver.id).id
            wallets.set_locked(
                session, actor_id=None, wallet_id=wallet_id, locked=True, reason="Stolen phone"
            )
        assert of_receiver.next_wallet() == {
            "balance": "6.00",
            "available": "4.00",
            "held": "2.00",
            "currency": "USD",
            "isLocked": True,
        }


def test_an_administrator_sees_all_with_risk_scores(live: LiveProcess) -> None:
    admin = factories.admin()
    with live.events(admin.token) as events:
        relay(purchase(factories.buyer(), factories.merchant(), riskScore="0.75"))
        assert events.next_transaction()["risk_score"] == 0.75


def test_events_need_a_token(live: LiveProcess) -> None:
    with live.events() as refused:
        assert refused.status == 401
    with live.events("no-token") as refused:
        assert refused.status == 401
    with live.events(path=f"/events?ticket={'x' * 43}") as refused:
        assert refused.status == 401


def test_a_client_that_reconnects_gets_what_it_missed(live: LiveProcess) -> None:
    admin, buyer, seller = factories.admin(), factories.buyer(), factories.merchant()
    with live.events(admin.token) as events:
        relay(purchase(buyer, seller, amount=100))
        last_id = events.next_transaction()["id"]

    relay(*(purchase(buyer, seller, amount=100 + number) for number in range(1, 251)))
    wait_until(lambda: live.call("GET", "/api/transactions").json["data"][0]["amount"] == 3.5)

    with live.events(admin.token, last_id=last_id) as events:
        missed = [events.next_transaction()["amount"] for _ in range(250)]
        relay(purchase(buyer, seller, amount=9999))
        assert missed == [(100 + number) / 100 for number in range(1, 251)]
        assert events.next_transaction()["amount"] == 99.99

    with live.events(seller.token, path=f"/events?after={last_id}") as events:
        assert events.next_transaction()["amount"] == 1.01


def test_a_client_that_missed_too_much_is_told_to_load_the_list(live: LiveProcess) -> None:
    admin, buyer, seller = factories.admin(), factories.buyer(), factories.merchant()
    with live.web_socket() as socket:
        for _ in range(5):
            relay(*(purchase(buyer, seller) for _ in range(500)))
        ids = [next_transaction(socket)["id"] for _ in range(2500)]
    assert ids == sorted(set(ids))
    with live.events(admin.token, last_id=1) as events:
        fields = events.next()
        while fields.get("event") is None:
            fields = events.next()
        assert fields["event"] == "reset"
        relay(purchase(buyer, seller, amount=123))
        assert events.next_transaction()["amount"] == 1.23


def test_last_event_ids_are_numbers(live: LiveProcess) -> None:
    admin = factories.admin()
    for wrong in ("-1", "1-0", "x", "9" * 40, "%D9%A3"):
        assert live.call("GET", f"/events?after={wrong}", token=admin.token).status == 400


def test_too_many_parameters_are_refused(live: LiveProcess) -> None:
    query = "&".join(f"after={number}" for number in range(20))
    assert live.call("GET", f"/events?{query}", token=factories.admin().token).status == 400
    with pytest.raises(InvalidStatus) as refused, live.web_socket(f"/stream?{query}"):
        pass
    assert refused.value.response.status_code == 400


def test_a_message_of_a_client_is_bounded(live: LiveProcess) -> None:
    with live.web_socket() as socket:
        socket.send("hello")
        socket.send("x" * 5000)
        assert close_code(socket) == 1009

    with live.web_socket() as socket:
        with suppress(ConnectionClosed):
            for _ in range(1000):
                socket.send("hello")
        assert close_code(socket) == 1008


def test_web_pages_of_others_cannot_open_a_stream(live: LiveProcess) -> None:
    with pytest.raises(InvalidStatus) as refused, live.web_socket(origin="https://evil.example"):
        pass
    assert refused.value.response.status_code == 403
    with live.web_socket(origin="http://localhost:3100"):
        pass


def test_other_paths_have_no_web_socket(live: LiveProcess) -> None:
    with pytest.raises(InvalidStatus), live.web_socket("/other"):
        pass


def test_a_ticket_opens_one_stream(live: LiveProcess) -> None:
    seller = factories.merchant()
    made = stream_tickets.create(read_access_token(seller.token))
    with live.events(path=f"/events?ticket={made.ticket}") as events:
        assert events.status == 200
        relay(purchase(factories.buyer(), seller, amount=4321))
        assert events.next_transaction()["amount"] == 43.21
    with live.events(path=f"/events?ticket={made.ticket}") as again:
        assert again.status == 401
