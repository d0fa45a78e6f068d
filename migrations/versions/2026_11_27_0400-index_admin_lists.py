"""Index the lists of administrators, and let them retry or dismiss quarantined events.

Indexes are created concurrently: nothing waits, though it takes minutes with a million rows each. A
migration that was interrupted can be run again.
"""

from alembic import op

revision = "0045_admin_lists"
down_revision = "0044_giveaways"

SEARCHED = "user_search_text(first_name, last_name, shop_name, email, phone)"

#: Tables and columns, by name.
INDEXES = {
    "ix_users_role": "users (role, id)",
    "ix_users_search": f"users USING gin ({SEARCHED} public.gin_trgm_ops)",
    "ix_wallets_currency": "wallets (currency, id)",
    "ix_wallets_locked_newest": "wallets (id) WHERE is_locked",
    "ix_orders_status": "orders (status, id) WHERE status <> 'COMPLETED'",
    "ix_orders_card": "orders (id) WHERE payment_method = 'GATEWAY'",
    "ix_payouts_status": "payouts (status, id)",
    "ix_payouts_bank": "payouts (provider, id)",
    "ix_payouts_flagged": "payouts (id) WHERE flagged_at IS NOT NULL",
    "ix_onramps_status": "onramps (status, id)",
    "ix_onramps_bank": "onramps (provider, id)",
    "ix_inbound_events_provider": "inbound_events (provider, id)",
    "ix_inbound_events_provider_reference": "inbound_events (provider_reference)"
    " WHERE provider_reference IS NOT NULL",
    "ix_inbound_events_unusual": "inbound_events (status, id) WHERE status <> 'PROCESSED'",
    "ix_audit_log_actor": "audit_log (actor_id, id)",
    "ix_audit_log_target": "audit_log (target_id, id)",
    "ix_audit_log_action": "audit_log (action, id)",
}

KNOWN = ("RECEIVED", "PROCESSED", "QUARANTINED")
SIGNED = (
    *("id", "provider", "event_id", "type", "reference", "amount", "currency", "user_id"),
    *("provider_reference", "reason", "body", "received_at"),
)
#: By an administrator: the event is handled again, or has been dealt with.
RELEASED = "OLD.status = 'QUARANTINED' AND NEW.status IN ('RECEIVED', 'DISMISSED')"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    # A unit separator follows each part, so that no text is found across two of them.
    op.execute(r"""
        CREATE OR REPLACE FUNCTION user_search_text(
            first_name text, last_name text, shop_name text, email text, phone text
        ) RETURNS text
        LANGUAGE sql IMMUTABLE PARALLEL SAFE
        RETURN fold_text(
            coalesce(first_name, '') || ' ' || coalesce(last_name, '')
            || E'\x1f' || coalesce(shop_name, '') || E'\x1f' || coalesce(email, '')
            || E'\x1f' || coalesce(phone, '')
        )
    """)
    with op.get_context().autocommit_block():
        for name, columns in INDEXES.items():
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
            op.execute(f"CREATE INDEX CONCURRENTLY {name} ON {columns}")
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("DROP INDEX ix_audit_log_actor_id")
    set_statuses(*KNOWN, "DISMISSED")
    guard(f"OLD.status <> 'RECEIVED' AND NOT ({RELEASED})")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    guard("OLD.status NOT IN ('RECEIVED', 'DISMISSED')")
    op.execute("UPDATE inbound_events SET status = 'QUARANTINED' WHERE status = 'DISMISSED'")
    guard("OLD.status <> 'RECEIVED'")
    set_statuses(*KNOWN)
    op.create_index("ix_audit_log_actor_id", "audit_log", ["actor_id"])
    for name in INDEXES:
        op.execute(f"DROP INDEX {name}")
    op.execute("DROP FUNCTION user_search_text(text, text, text, text, text)")


def set_statuses(*statuses: str) -> None:
    known = ", ".join(f"'{status}'" for status in statuses)
    op.drop_constraint("ck_inbound_events_status_known", "inbound_events")
    op.create_check_constraint(
        op.f("ck_inbound_events_status_known"),
        "inbound_events",
        f"status IN ({known}) AND (status = 'RECEIVED') = (processed_at IS NULL)",
    )


def guard(is_final: str) -> None:
    """What a provider has signed stays as it was signed. is_final: whether the status stays, too."""
    after, before = (", ".join(f"{row}.{column}" for column in SIGNED) for row in ("NEW", "OLD"))
    op.execute(f"""
        CREATE OR REPLACE FUNCTION keep_inbound_event() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF ({is_final}) OR ({after}) IS DISTINCT FROM ({before}) THEN
                RAISE EXCEPTION '% % has been handled, or signed data would change', TG_TABLE_NAME, OLD.id
                    USING ERRCODE = 'restrict_violation';
            END IF;
            RETURN NEW;
        END $$
    """)
