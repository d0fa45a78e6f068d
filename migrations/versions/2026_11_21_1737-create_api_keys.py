"""API keys of merchants' servers."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0017_api_keys"
down_revision = "0016_refunds"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column(
        "login_sessions", sa.Column("kind", sa.String(), server_default="LOGIN", nullable=False)
    )
    op.create_check_constraint(
        op.f("ck_login_sessions_kind_known"), "login_sessions", "kind IN ('LOGIN', 'API_KEY')"
    )
    op.create_table(
        "api_keys",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("prefix", sa.String(), nullable=False),
        sa.Column("key_hash", sa.LargeBinary(), nullable=False),
        sa.Column("scopes", postgresql.ARRAY(sa.String()), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("cardinality(scopes) > 0", name=op.f("ck_api_keys_may_do_something")),
        sa.CheckConstraint("octet_length(key_hash) = 32", name=op.f("ck_api_keys_key_is_hashed")),
        sa.CheckConstraint("expires_at > created_at", name=op.f("ck_api_keys_expires_later")),
        sa.ForeignKeyConstraint(["id"], ["login_sessions.id"], name="fk_api_keys_id"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_api_keys_user_id"),
        sa.PrimaryKeyConstraint("id", name="pk_api_keys"),
        sa.UniqueConstraint("key_hash", name="uq_api_keys_key_hash"),
    )
    op.create_index("ix_api_keys_user_id", "api_keys", ["user_id", "id"])
    # What a key may do is settled when it is made: nobody widens it later, and no row comes back
    # under another hash. Only the time of its last use is written again.
    op.execute("""
        CREATE TRIGGER refuse_change BEFORE UPDATE OF
            id, user_id, name, prefix, key_hash, scopes, created_at, expires_at
        ON api_keys FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
    """)
    op.execute("""
        CREATE TRIGGER refuse_removal BEFORE DELETE OR TRUNCATE ON api_keys
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
    """)


def downgrade() -> None:
    """The sessions of keys end: the older version would take them for sign-ins."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_table("api_keys")
    op.execute("""
        UPDATE login_sessions SET revoked_at = now(), revoked_because = 'API keys removed'
        WHERE kind = 'API_KEY' AND revoked_at IS NULL
    """)
    op.drop_constraint(op.f("ck_login_sessions_kind_known"), "login_sessions")
    op.drop_column("login_sessions", "kind")
