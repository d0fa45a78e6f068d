"""The constraints by which a repeated request is recognized."""

import app.models  # noqa: F401 – every table is known
from app.common.db import Base
from app.idempotency.models import attempt_constraints, key_indexes


def test_key_indexes_are_all_unique_indexes_of_idempotency_keys() -> None:
    unique = {
        index.name
        for table in Base.metadata.tables.values()
        for index in table.indexes
        if index.unique and "idempotency_key" in index.columns
    }
    assert len(unique) >= 5
    assert key_indexes() == unique


def test_each_table_with_a_key_has_a_unique_index() -> None:
    with_key = {
        table.name for table in Base.metadata.tables.values() if "idempotency_key" in table.columns
    }
    assert with_key == {name.removeprefix("uq_").removesuffix("_key") for name in key_indexes()}


def test_attempt_constraints_are_those_of_ids_chosen_before_the_transaction() -> None:
    assert attempt_constraints() == {
        "pk_idempotency_keys",
        "pk_journal_entries",
        "pk_orders",
        "pk_refunds",
        "pk_wallet_holds",
    }
