"""Single sold codes: revoked and reissued by their merchant, without a refund."""

import pytest
from flask.testing import FlaskClient

from tests import factories
from tests.concurrency import broken_invariants
from tests.delivery.codes.helpers import change, listed, stock, stocked
from tests.delivery.helpers import (
    REASON,
    audited,
    bought,
    delivered,
    get_delivery,
    refund_units,
)
from tests.delivery.licences.helpers import events_of
from tests.responses import refusal


def test_the_buyer_of_a_revoked_code_sees_why(client: FlaskClient) -> None:
    seller, product_id = stocked(client, "CODE-AAAA", "CODE-BBBB", "CODE-CCCC")
    buyer = factories.buyer()
    line = bought(buyer, product_id, 2)
    first, *_ = listed(client, seller, product_id)

    answer = change(client, seller, product_id, first, "revoke")

    assert answer.status_code == 200, answer.text
    assert (answer.json["status"], answer.json["revocationReason"]) == ("REVOKED", REASON["reason"])
    body = get_delivery(client, buyer, str(line.order_id)).json
    assert body["codes"] == ["CODE-BBBB"]
    assert body["revokedCodes"] == [
        {
            "code": "••••AAAA",
            "status": "REVOKED",
            "reason": REASON["reason"],
            "revokedAt": answer.json["revokedAt"],
            "isReplaced": False,
        }
    ]
    assert audited()[-1] == ("code.revoke", REASON["reason"])
    assert events_of("code-revoked")[-1]["reason"] == REASON["reason"]
    assert stock(client, product_id) == 1
    assert refusal(change(client, seller, product_id, first, "revoke")) == (409, "CODE_REVOKED")
    assert broken_invariants() == []


def test_a_reissued_code_is_replaced_by_the_next_one(client: FlaskClient) -> None:
    seller, product_id = stocked(client, "CODE-AAAA", "CODE-BBBB")
    line = bought(factories.buyer(), product_id)
    assert delivered(line)["codes"] == ["CODE-AAAA"]
    first, second = listed(client, seller, product_id)

    answer = change(client, seller, product_id, first, "reissue")

    assert answer.status_code == 201, answer.text
    assert (answer.json["id"], answer.json["orderId"]) == (second["id"], str(line.order_id))
    assert delivered(line)["codes"] == ["CODE-BBBB"]
    assert [each["isReplaced"] for each in delivered(line)["revokedCodes"]] == [True]
    assert stock(client, product_id) == 0
    assert listed(client, seller, product_id)[0]["replacedBy"] == second["id"]
    assert events_of("code-reissued")[-1]["replacedBy"] == second["id"]
    assert refusal(change(client, seller, product_id, first, "reissue")) == (409, "CODE_REVOKED")
    assert broken_invariants() == []
    nothing_left = change(client, seller, product_id, second, "reissue")
    assert refusal(nothing_left) == (409, "NO_CODE_LEFT")
    assert delivered(line)["codes"] == ["CODE-BBBB"]
    assert refund_units(line, 1) == 0
    assert broken_invariants() == []


def test_a_refund_takes_the_revoked_code_back_first(client: FlaskClient) -> None:
    seller, product_id = stocked(client, "CODE-AAAA", "CODE-BBBB", "CODE-CCCC")
    line = bought(factories.buyer(), product_id, 2)
    first, *_ = listed(client, seller, product_id)
    change(client, seller, product_id, first, "revoke")
    assert refund_units(line, 1) == 0
    assert delivered(line)["codes"] == ["CODE-BBBB"]
    assert broken_invariants() == []
    assert refusal(change(client, seller, product_id, first, "reissue")) == (409, "CODE_REVOKED")
    assert refund_units(line, 1) == 0
    assert stock(client, product_id) == 1
    assert broken_invariants() == []


def test_a_revoked_code_can_be_reissued_unless_there_is_none(client: FlaskClient) -> None:
    seller, product_id = stocked(client, "CODE-AAAA", "CODE-BBBB")
    line = bought(factories.buyer(), product_id)
    first, _ = listed(client, seller, product_id)
    change(client, seller, product_id, first, "revoke")
    assert change(client, seller, product_id, first, "reissue").status_code == 201
    assert delivered(line)["codes"] == ["CODE-BBBB"]
    assert len(events_of("code-revoked")) == 1
    assert broken_invariants() == []


@pytest.mark.parametrize("action", ["revoke", "reissue"])
def test_only_sold_codes_of_the_merchant_can_be_changed(client: FlaskClient, action: str) -> None:
    seller, product_id = stocked(client, "CODE-AAAA")
    (code,) = listed(client, seller, product_id)
    assert refusal(change(client, seller, product_id, code, action)) == (409, "CODE_NOT_SOLD")
    assert refusal(change(client, factories.merchant(), product_id, code, action))[0] == 403
