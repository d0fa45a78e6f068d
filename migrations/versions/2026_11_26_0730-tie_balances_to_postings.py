"""Tie the balance of each wallet to its last posting, and each posting to its wallet."""

from alembic import op

revision = "0029_posted_balances"
down_revision = "0028_coupon_scopes"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    # At commit: a transaction may change a wallet more than once, so the row is read as it is then.
    op.execute("""
        CREATE FUNCTION require_posted_balance() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            PERFORM FROM wallets w LEFT JOIN LATERAL (
                SELECT t.sequence, t.balance_after FROM wallet_transactions t
                WHERE t.wallet_id = w.id AND t.sequence IS NOT NULL
                ORDER BY t.sequence DESC LIMIT 1
            ) AS posted ON true
            WHERE w.id = NEW.id AND w.sequence = coalesce(posted.sequence, 0)
                AND w.balance = coalesce(posted.balance_after, 0);
            IF NOT FOUND THEN
                RAISE EXCEPTION 'wallet %: the balance is not that of its last posting', NEW.id
                    USING ERRCODE = 'check_violation',
                          CONSTRAINT = 'ck_wallets_balance_is_posted';
            END IF;
            RETURN NULL;
        END $$
    """)
    # A hold changes neither, and a posting of a platform account has no sequence.
    op.execute("""
        CREATE CONSTRAINT TRIGGER require_posted_balance
        AFTER UPDATE OF balance, sequence ON wallets DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW WHEN (NEW.balance <> OLD.balance OR NEW.sequence <> OLD.sequence)
        EXECUTE FUNCTION require_posted_balance()
    """)
    op.execute("""
        CREATE CONSTRAINT TRIGGER require_posted_balance_of_new
        AFTER INSERT ON wallets DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW WHEN (NEW.balance <> 0 OR NEW.sequence <> 0)
        EXECUTE FUNCTION require_posted_balance()
    """)
    op.execute("""
        CREATE FUNCTION require_counted_posting() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            PERFORM FROM wallets WHERE id = NEW.wallet_id AND sequence >= NEW.sequence;
            IF NOT FOUND THEN
                RAISE EXCEPTION 'posting %: it is not in the balance of its wallet', NEW.id
                    USING ERRCODE = 'check_violation',
                          CONSTRAINT = 'ck_wallets_balance_is_posted';
            END IF;
            RETURN NULL;
        END $$
    """)
    op.execute("""
        CREATE CONSTRAINT TRIGGER require_counted_posting
        AFTER INSERT ON wallet_transactions DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW WHEN (NEW.sequence IS NOT NULL) EXECUTE FUNCTION require_counted_posting()
    """)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("DROP TRIGGER require_counted_posting ON wallet_transactions")
    op.execute("DROP TRIGGER require_posted_balance_of_new ON wallets")
    op.execute("DROP TRIGGER require_posted_balance ON wallets")
    op.execute("DROP FUNCTION require_counted_posting()")
    op.execute("DROP FUNCTION require_posted_balance()")
