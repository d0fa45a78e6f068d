"""Tables taken in while others buy."""

from collections import Counter

from flask import Flask

from tests import factories
from tests.concurrency import all_at_once, broken_invariants
from tests.orders.helpers import buy
from tests.products.bulk.helpers import mine, send, table_of


def test_tables_purchases_and_other_tables_get_along(committing: Flask) -> None:
    """Whatever comes first: nothing fails, and the stock adds up."""
    seller = factories.merchant()
    products = [factories.product(seller, price="1.00", units=1000) for _ in range(6)]
    buyers = [factories.buyer("100.00") for _ in range(8)]

    def act(n: int) -> tuple[str, int]:
        client = committing.test_client()
        if n % 5:
            return "buy", buy(client, buyers[n % 8], products[n % 6]).status_code
        # Each in another order: rows are locked in the order of their ids all the same.
        order = products[n % 6 :] + products[: n % 6]
        table = table_of({"id": one, "availableUnits": 500 + n} for one in order)
        return "table", send(client, seller, table).status_code

    outcomes = Counter(all_at_once(act, range(100)))

    assert outcomes["buy", 201] == 80
    # The places for tables are few; who got none has changed nothing.
    assert outcomes["table", 200] + outcomes["table", 503] == 20
    assert outcomes["table", 200] > 0
    assert len(mine(committing.test_client(), seller)) == 6
    assert broken_invariants() == []
