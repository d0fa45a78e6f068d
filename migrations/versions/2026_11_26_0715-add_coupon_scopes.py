"""Give API keys that could read or change coupons the scopes that now allow it."""

from alembic import op

revision = "0028_coupon_scopes"
down_revision = "0027_password_costs"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    with_trigger_disabled("""
        UPDATE api_keys SET scopes = scopes
            || CASE WHEN 'products:read' = ANY (scopes) THEN ARRAY['coupons:read']::varchar[] END
            || CASE WHEN 'products:write' = ANY (scopes) THEN ARRAY['coupons:write']::varchar[] END
        WHERE scopes && ARRAY['products:read', 'products:write']::varchar[]
            AND NOT scopes && ARRAY['coupons:read', 'coupons:write']::varchar[]
    """)


def downgrade() -> None:
    """Keys that are for coupons only keep their scopes, which mean nothing to the older version."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    with_trigger_disabled("""
        UPDATE api_keys
        SET scopes = array_remove(array_remove(scopes, 'coupons:read'), 'coupons:write')
        WHERE NOT scopes <@ ARRAY['coupons:read', 'coupons:write']::varchar[]
    """)


def with_trigger_disabled(update: str) -> None:
    """The trigger refuses every change of the scopes of a key; only the owner can disable it."""
    op.execute("ALTER TABLE api_keys DISABLE TRIGGER refuse_change")
    op.execute(update)
    op.execute("ALTER TABLE api_keys ENABLE TRIGGER refuse_change")
