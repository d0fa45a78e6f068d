"""What docs/decisions/0039 needs to be true before there is a second database.

A new table or unique constraint that does not fit fails here: decide what it means with several.
"""

from collections.abc import Iterator
from typing import Final

from sqlalchemy import Column, Table, UniqueConstraint, Uuid

import app.models  # noqa: F401 – all tables
from app.common.db import Base

TABLES: Final = tuple(Base.metadata.tables.values())

_SUMS: Final = "sums of what happened in this database"
#: Primary keys with something other than UUIDs: what the rest of the key is.
OTHER_KEYS: Final = {
    "attempt_budgets": "an address or account; each database counts its own attempts",
    "buyer_days": _SUMS,
    "code_upload_chunks": "a number within its upload",
    "daily_buyers": _SUMS,
    "daily_sales": _SUMS,
    "event_sinks": "a name; each database has its own relay",
    "feed_transactions": "a position in the feed of this database",
    "file_upload_parts": "a number within its upload",
    "held_events": "the sink",
    "idempotency_keys": "the key of a user",
    "image_sizes": "the size of an image",
    "money_gate": "the ledger lock of this database; always empty",
    "notification_preferences": "kind and channel, of a user",
    "quarter_hour_sales": _SUMS,
    "readiness_hours": _SUMS,
    "recovery_codes": "the hash of a code, of a user",
    "request_hours": _SUMS,
    "request_minutes": _SUMS,
    "summed_days": _SUMS,
    "transaction_days": _SUMS,
    "transaction_minutes": _SUMS,
    "user_quotas": "a quota of a user",
}

_RANDOM: Final = "at least 112 random bits, or their hash: no two databases draw the same"
_CONFIGURED: Final = "configuration, which every cell has a copy of"
_POSITION: Final = "a position in this database"
_DIRECTORY: Final = "not unique among databases: needs the directory"
#: Unique constraints without a UUID among their columns: what they mean with several databases.
UNIQUE_IN_ONE_DATABASE: Final = {
    "uq_api_keys_key_hash": _RANDOM,
    "uq_giveaways_token": _RANDOM,
    "uq_licences_fingerprint": _RANDOM,
    "uq_merchant_codes_token": _RANDOM,
    "uq_onramps_token": _RANDOM,
    "uq_payment_requests_token": _RANDOM,
    "uq_categories_slug": _CONFIGURED,
    "uq_risk_list_entries_value": _CONFIGURED,
    "uq_risk_models_version": _CONFIGURED,
    "uq_risk_rules_active": _CONFIGURED,
    "uq_risk_rules_draft": _CONFIGURED,
    "uq_risk_rules_shadow": _CONFIGURED,
    "uq_risk_rules_version": _CONFIGURED,
    "uq_risk_rulesets_version": _CONFIGURED,
    "uq_wallet_limits_role": _CONFIGURED,
    "uq_code_uploads_number": _POSITION,
    "uq_feed_users_number": _POSITION,
    "uq_outbox_events_sequence": _POSITION,
    "uq_file_contents_sha256": "the content; each cell stores its own files",
    "uq_inbound_events_event": "an event goes to the cell of its reference",
    "uq_wallets_code": "platform accounts, of which each database has its own",
    "uq_users_email_key": _DIRECTORY,
    "uq_users_phone": _DIRECTORY,
    "uq_orders_number": _DIRECTORY,
    "uq_wallets_number": _DIRECTORY,
}


def is_uuid(column: "Column[object]") -> bool:
    return isinstance(column.type, Uuid)


def unique_constraints(table: Table) -> Iterator[tuple[str, list["Column[object]"]]]:
    for constraint in table.constraints:
        if isinstance(constraint, UniqueConstraint):
            yield str(constraint.name), list(constraint.columns)
    for index in table.indexes:
        if index.unique:
            yield str(index.name), list(index.columns)


def test_rows_are_identified_by_ids_that_are_unique_everywhere() -> None:
    others = {table.name for table in TABLES if not all(map(is_uuid, table.primary_key))}
    assert others == set(OTHER_KEYS)


def test_no_database_chooses_an_id() -> None:
    """So a row has one before it is known in which database it will be."""
    chosen = [
        str(column)
        for table in TABLES
        for column in table.primary_key
        if is_uuid(column) and (column.server_default is not None or column.identity is not None)
    ]
    assert chosen == []


def test_no_row_refers_to_a_position_in_a_database() -> None:
    """So the rows of a merchant can be moved to another database as they are."""
    references = {str(key.column) for table in TABLES for key in table.foreign_keys}
    positions = {str(c) for table in TABLES for c in table.columns if c.identity is not None}
    assert positions
    assert references.isdisjoint(positions)


def test_what_is_unique_in_one_database_only_is_known() -> None:
    found = {
        name
        for table in TABLES
        for name, columns in unique_constraints(table)
        if not any(map(is_uuid, columns))
    }
    assert found == set(UNIQUE_IN_ONE_DATABASE)
