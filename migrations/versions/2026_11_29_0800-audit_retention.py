"""Let records of the audit log be deleted after a year.

The application's role gets the privilege from `migrate`.
"""

from alembic import op

revision = "0068_audit_retention"
down_revision = "0067_refund_requests"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("""
        CREATE FUNCTION refuse_early_deletion() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF OLD.created_at > now() - interval '365 days' THEN
                RAISE EXCEPTION '% keeps its rows for a year: % refused', TG_TABLE_NAME, TG_OP
                    USING ERRCODE = 'restrict_violation';
            END IF;
            RETURN OLD;
        END $$
    """)
    op.execute("DROP TRIGGER refuse_change ON audit_log")
    op.execute("""
        CREATE TRIGGER refuse_change BEFORE UPDATE OR TRUNCATE ON audit_log
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
    """)
    op.execute("""
        CREATE TRIGGER refuse_early_deletion BEFORE DELETE ON audit_log
        FOR EACH ROW EXECUTE FUNCTION refuse_early_deletion()
    """)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("DROP TRIGGER refuse_early_deletion ON audit_log")
    op.execute("DROP TRIGGER refuse_change ON audit_log")
    op.execute("""
        CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_log
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
    """)
    op.execute("DROP FUNCTION refuse_early_deletion")
