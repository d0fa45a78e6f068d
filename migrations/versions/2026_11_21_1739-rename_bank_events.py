"""Rename bank_events to inbound_events: the inbox takes the events of every provider.

Only names change, so every row stays. Code of the version before refuses webhooks while it still
runs on this schema; banks and the gateway deliver them again.
"""

from alembic import op

revision = "0019_inbound_events"
down_revision = "0018_index_sales"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    rename("bank_event", "inbound_event")
    op.alter_column("inbound_events", "bank_reference", new_column_name="provider_reference")
    guard("inbound_event", provider_reference="provider_reference")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    rename("inbound_event", "bank_event")
    op.alter_column("bank_events", "provider_reference", new_column_name="bank_reference")
    guard("bank_event", provider_reference="bank_reference")


def rename(old: str, new: str) -> None:
    """Rename the table, what belongs to it and its trigger function. old, new: in the singular."""
    op.rename_table(f"{old}s", f"{new}s")
    for constraint in ("pk_{}s", "uq_{}s_event", "ck_{}s_status_known"):
        op.execute(
            f"ALTER TABLE {new}s RENAME CONSTRAINT"
            f" {constraint.format(old)} TO {constraint.format(new)}"
        )
    for index in ("ix_{}s_reference", "ix_{}s_due"):
        op.execute(f"ALTER INDEX {index.format(old)} RENAME TO {index.format(new)}")
    op.execute(f"ALTER TRIGGER keep_{old} ON {new}s RENAME TO keep_{new}")
    op.execute(f"ALTER FUNCTION keep_{old}() RENAME TO keep_{new}")


def guard(name: str, *, provider_reference: str) -> None:
    """What a provider has signed stays as it was signed, and how it was handled is final."""
    columns = (
        *("id", "provider", "event_id", "type", "reference", "amount", "currency", "user_id"),
        *(provider_reference, "reason", "body", "received_at"),
    )
    after, before = (", ".join(f"{row}.{column}" for column in columns) for row in ("NEW", "OLD"))
    op.execute(f"""
        CREATE OR REPLACE FUNCTION keep_{name}() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF OLD.status <> 'RECEIVED' OR ({after}) IS DISTINCT FROM ({before}) THEN
                RAISE EXCEPTION '% % has been handled, or signed data would change', TG_TABLE_NAME, OLD.id
                    USING ERRCODE = 'restrict_violation';
            END IF;
            RETURN NEW;
        END $$
    """)
