"""Concurrent imports and purchases of the same products."""

from collections import Counter

from flask import Flask

from tests import factories
from tests.concurrency import all_at_once, broken_invariants
from tests.orders.helpers import buy
from tests.products.bulk.helpers import import_csv, own_products, table_of


def test_imports_and_purchases_can_run_concurrently(committing: Flask) -> None:
    """None of them fails for another, and the stock is consistent."""
    seller = factories.merchant()
    products = [factories.product(seller, price="1.00", units=1000) for _ in range(6)]
    buyers = [factories.buyer("100.00") for _ in range(8)]

    def act(n: int) -> tuple[str, int]:
        client = committing.test_client()
        if n % 5:
            return "buy", buy(client, buyers[n % 8], products[n % 6]).status_code
        # Each lists the products in another order; their rows are still locked in order of id.
        order = products[n % 6 :] + products[: n % 6]
        table = table_of({"id": one, "availableUnits": 500 + n} for one in order)
        return "import", import_csv(client, seller, table).status_code

    outcomes = Counter(all_at_once(act, range(100)))

    assert outcomes["buy", 201] == 80
    # The number of concurrent imports is limited; a refused import changes nothing.
    assert outcomes["import", 200] + outcomes["import", 503] == 20
    assert outcomes["import", 200] > 0
    assert len(own_products(committing.test_client(), seller)) == 6
    assert broken_invariants() == []
