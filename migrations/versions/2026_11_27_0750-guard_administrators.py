"""Only the owner of the tables creates administrators."""

from alembic import op

revision = "0057_guard_administrators"
down_revision = "0056_verified_handles"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    # The owner is the one who may change the role of a user.
    op.execute("""
        CREATE FUNCTION require_owner() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF NOT has_column_privilege(TG_RELID, 'role', 'UPDATE') THEN
                RAISE EXCEPTION 'only the owner of the tables creates administrators'
                    USING ERRCODE = 'insufficient_privilege';
            END IF;
            RETURN NEW;
        END $$
    """)
    op.execute("""
        CREATE TRIGGER require_owner BEFORE INSERT ON users
        FOR EACH ROW WHEN (NEW.role = 'ADMIN') EXECUTE FUNCTION require_owner()
    """)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("DROP TRIGGER require_owner ON users")
    op.execute("DROP FUNCTION require_owner()")
