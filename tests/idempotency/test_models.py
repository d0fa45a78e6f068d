"""What tells a repeated request from a new one, though its answer is past keeping."""

import app.models  # noqa: F401 – every table is known
from app.common.db import Base
from app.idempotency.models import attempt_constraints, key_indexes


def test_every_index_of_idempotency_keys_is_known_as_one() -> None:
    unique = {
        index.name
        for table in Base.metadata.tables.values()
        for index in table.indexes
        if index.unique and "idempotency_key" in index.columns
    }
    assert len(unique) >= 5
    assert key_indexes() == unique


def test_every_table_with_a_key_keeps_it_unique() -> None:
    with_key = {
        table.name for table in Base.metadata.tables.values() if "idempotency_key" in table.columns
    }
    assert with_key == {name.removeprefix("uq_").removesuffix("_key") for name in key_indexes()}


def test_ids_that_are_chosen_before_the_transaction_tell_a_second_attempt() -> None:
    assert attempt_constraints() == {"pk_idempotency_keys", "pk_orders"}
