"""The schema of this version also serves the version before, while processes are replaced."""

import re
from collections.abc import Iterator
from typing import NamedTuple

import pytest
from alembic import command
from sqlalchemy import text

from app.common.migrate import alembic_config
from app.common.schema_version import WORKS_SINCE, known_revisions
from app.common.settings import PROJECT_ROOT
from tests import servers
from tests.test_migrations import connected, empty

__all__ = ["empty"]

#: What statements of the last release (`WORKS_SINCE`) meet that is not simply new, and why they
#: work all the same. docs/upgrading.md tells operators about columns that are gone, and about
#: whatever does not work.
REVIEWED = {
    "outbox_events.delivered_at is gone": "Events are inserted without it. Only the daily removal"
    " of old ones reads it, and the new worker makes up for that.",
    "audit_log: refuse_change": "It refuses less: deletions are refused by the next one.",
    "audit_log: refuse_early_deletion": "The last release deletes nothing there.",
    "inbound_events: ck_inbound_events_status_known": "It allows one state more.",
    "orders: ck_orders_giveaway_is_free": "Orders of the last release have no giveaway.",
    "orders: ck_orders_not_own_product": "It allows giveaways, too.",
    "orders: ck_orders_status_known": "It allows one state more.",
    "orders: uq_orders_giveaway_user": "Orders of the last release have no giveaway.",
    "outbox_events: notify_of_events": "It refuses nothing.",
    "outbox_events: uq_outbox_events_sequence": "The database gives each number once.",
    "product_codes: ck_product_codes_reason_of_revocation": "The reason is new.",
    "product_codes: ck_product_codes_revoked_was_seen": "It allows codes with a reason, too.",
    "licences: ck_licences_reason_of_revocation": "The reason is new.",
    "user_quotas: ck_user_quotas_quota_known": "It allows one quota more.",
    "users: ck_users_shop_of_merchant": "The profile of shops is new.",
    "users: ck_users_verified_is_there": "The times of verification are new.",
    "users: require_owner": "It refuses only what `create-admin` did as the application's role.",
}


class Column(NamedTuple):
    type: str
    is_required: bool
    fills_itself: bool


class Rule(NamedTuple):
    """columns: that it is about; those of triggers are not known."""

    definition: str
    columns: tuple[str, ...]


class Schema(NamedTuple):
    """What statements meet. columns: by table and name; rules: constraints, unique indexes and
    triggers, likewise."""

    columns: dict[tuple[str, str], Column]
    rules: dict[tuple[str, str], Rule]


def read(url: str) -> Schema:
    with connected(url) as connection:
        columns = connection.execute(
            text("""
                SELECT attrelid::regclass::text, attname, format_type(atttypid, atttypmod),
                    attnotnull, atthasdef OR attidentity <> ''
                FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
                WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
                    AND attnum > 0 AND NOT attisdropped AND relname <> 'alembic_version'
            """)
        )
        rules = connection.execute(
            text("""
                WITH rules (relation, name, definition, numbers) AS (
                    SELECT conrelid, conname, pg_get_constraintdef(oid), conkey
                    FROM pg_constraint WHERE connamespace = 'public'::regnamespace
                        AND conrelid <> 0 AND contype <> 'n'
                    UNION ALL
                    SELECT indrelid, relname, pg_get_indexdef(indexrelid), indkey::smallint[]
                    FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
                    WHERE relnamespace = 'public'::regnamespace AND indisunique
                        AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid)
                    UNION ALL
                    SELECT tgrelid, tgname, pg_get_triggerdef(oid), '{}'
                    FROM pg_trigger WHERE NOT tgisinternal
                )
                SELECT relation::regclass::text, name, definition, ARRAY(
                    SELECT attname::text FROM pg_attribute
                    WHERE attrelid = relation AND attnum = ANY(numbers)
                ) FROM rules
            """)
        )
        return Schema(
            {(table, name): Column(*rest) for table, name, *rest in columns},
            {
                (table, name): Rule(definition, tuple(names))
                for table, name, definition, names in rules
            },
        )


def differences(before: Schema, after: Schema) -> Iterator[str]:
    """What statements for the schema before might fail at, in the schema after."""
    tables = {table for table, _ in before.columns}
    for (table, name), old in before.columns.items():
        new = after.columns.get((table, name))
        if new is None:
            yield f"{table}.{name} is gone"
        elif new.type != old.type:
            yield f"{table}.{name} was {old.type}"
        elif new.is_required and not old.is_required:
            yield f"{table}.{name} was not required"
    for (table, name), column in after.columns.items():
        is_new = table in tables and (table, name) not in before.columns
        if is_new and column.is_required and not column.fills_itself:
            yield f"{table}.{name} must be given"
    for (table, name), rule in after.rules.items():
        # What is only about new columns meets their defaults, as in rows that were there.
        is_about_old = not rule.columns or any(
            (table, column) in before.columns for column in rule.columns
        )
        if table in tables and before.rules.get((table, name)) != rule and is_about_old:
            yield f"{table}: {name}"


def test_the_last_release_works_with_the_schema_of_this_one(empty: servers.TestDatabase) -> None:
    command.upgrade(alembic_config(), WORKS_SINCE)
    before = read(empty.owner_url)
    command.upgrade(alembic_config(), "head")
    assert set(differences(before, read(empty.owner_url))) == REVIEWED.keys()


def test_operators_are_told_of_columns_that_are_gone() -> None:
    page = (PROJECT_ROOT / "docs" / "upgrading.md").read_text()
    gone = [finding.removesuffix(" is gone") for finding in REVIEWED if finding.endswith("gone")]
    assert [column for column in gone if f"`{column}`" not in page] == []


def test_migrations_that_operators_are_told_of_exist() -> None:
    page = (PROJECT_ROOT / "docs" / "upgrading.md").read_text()
    named = re.findall(r"^\| `(\w+)` \| \d+\.\d+ \|", page, re.M)
    assert named == [revision for revision in known_revisions() if revision in named]
    assert named


TEXT = Column("text", is_required=False, fills_itself=False)
REQUIRED = TEXT._replace(is_required=True)
BEFORE = Schema({("orders", "notes"): TEXT}, {})


@pytest.mark.parametrize(
    ("after", "found"),
    [
        (Schema({}, {}), ["orders.notes is gone"]),
        (Schema({("orders", "notes"): TEXT._replace(type="bytea")}, {}), ["orders.notes was text"]),
        (Schema({("orders", "notes"): REQUIRED}, {}), ["orders.notes was not required"]),
        (
            Schema({**BEFORE.columns, ("orders", "gift"): REQUIRED}, {}),
            ["orders.gift must be given"],
        ),
        (Schema({**BEFORE.columns, ("orders", "gift"): TEXT, ("gifts", "id"): REQUIRED}, {}), []),
        (
            Schema(BEFORE.columns, {("orders", "uq"): Rule("UNIQUE (notes)", ("notes",))}),
            ["orders: uq"],
        ),
        (Schema(BEFORE.columns, {("orders", "refuse"): Rule("TRIGGER", ())}), ["orders: refuse"]),
        (
            Schema(
                {**BEFORE.columns, ("orders", "gift"): TEXT},
                {("orders", "fk"): Rule("FOREIGN KEY (gift)", ("gift",))},
            ),
            [],
        ),
    ],
)
def test_what_the_old_version_does_not_know_is_found(after: Schema, found: list[str]) -> None:
    assert list(differences(BEFORE, after)) == found
