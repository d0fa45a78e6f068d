"""Check entries, postings and balances once per statement instead of once per row.

Stop the old version first: it writes entries and balances by two statements.
"""

from alembic import op

revision = "0033_balances_by_statement"
down_revision = "0032_quotas"

OLD = (
    ("require_balanced_entry", "journal_entries"),
    ("require_balanced_entry", "wallet_transactions"),
    ("require_counted_posting", "wallet_transactions"),
    ("require_posted_balance_of_new", "wallets"),
    ("require_posted_balance", "wallets"),
)
OLD_FUNCTIONS = ("require_balanced_entry", "require_counted_posting", "require_posted_balance")
#: Trigger, event, table and function.
NEW = (
    ("require_postings", "INSERT", "journal_entries", "require_postings"),
    ("require_sound_postings", "INSERT", "wallet_transactions", "require_sound_postings"),
    ("require_posted_balances_of_new", "INSERT", "wallets", "require_posted_balances"),
    ("require_posted_balances", "UPDATE", "wallets", "require_posted_balances"),
)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for trigger, table in OLD:
        op.execute(f"DROP TRIGGER {trigger} ON {table}")
    for function in OLD_FUNCTIONS:
        op.execute(f"DROP FUNCTION {function}()")
    create_functions()
    for trigger, event, table, function in NEW:
        op.execute(f"""
            CREATE TRIGGER {trigger} AFTER {event} ON {table} REFERENCING NEW TABLE AS new
            FOR EACH STATEMENT EXECUTE FUNCTION {function}()
        """)


# AFTER triggers are fired once all parts of a statement have been executed.


def create_functions() -> None:
    op.execute("""
        CREATE FUNCTION require_postings() RETURNS trigger LANGUAGE plpgsql AS $$
        DECLARE wrong uuid;
        BEGIN
            SELECT e.id INTO wrong FROM new e
            WHERE (SELECT count(*) FROM wallet_transactions t WHERE t.journal_entry_id = e.id) < 2
            LIMIT 1;
            IF FOUND THEN
                RAISE EXCEPTION 'journal entry % has fewer than two postings', wrong
                    USING ERRCODE = 'check_violation',
                          CONSTRAINT = 'ck_journal_entries_sums_to_zero';
            END IF;
            RETURN NULL;
        END $$
    """)
    # The postings that an entry already has sum to zero. A posting of a platform account has no sequence.
    op.execute("""
        CREATE FUNCTION require_sound_postings() RETURNS trigger LANGUAGE plpgsql AS $$
        DECLARE wrong uuid;
        BEGIN
            SELECT journal_entry_id INTO wrong FROM new
            GROUP BY journal_entry_id, currency HAVING sum(amount) <> 0 LIMIT 1;
            IF FOUND THEN
                RAISE EXCEPTION 'journal entry % does not sum to zero', wrong
                    USING ERRCODE = 'check_violation',
                          CONSTRAINT = 'ck_journal_entries_sums_to_zero';
            END IF;
            SELECT t.id INTO wrong FROM new t JOIN wallets w ON w.id = t.wallet_id
            WHERE t.sequence > w.sequence LIMIT 1;
            IF FOUND THEN
                RAISE EXCEPTION 'posting %: it is not in the balance of its wallet', wrong
                    USING ERRCODE = 'check_violation',
                          CONSTRAINT = 'ck_wallets_balance_is_posted';
            END IF;
            RETURN NULL;
        END $$
    """)
    op.execute("""
        CREATE FUNCTION require_posted_balances() RETURNS trigger LANGUAGE plpgsql AS $$
        DECLARE wrong uuid;
        BEGIN
            SELECT w.id INTO wrong FROM new w LEFT JOIN LATERAL (
                SELECT t.sequence, t.balance_after FROM wallet_transactions t
                WHERE t.wallet_id = w.id AND t.sequence IS NOT NULL
                ORDER BY t.sequence DESC LIMIT 1
            ) AS posted ON true
            WHERE w.sequence <> coalesce(posted.sequence, 0)
                OR w.balance <> coalesce(posted.balance_after, 0)
            LIMIT 1;
            IF FOUND THEN
                RAISE EXCEPTION 'wallet %: the balance is not that of its last posting', wrong
                    USING ERRCODE = 'check_violation',
                          CONSTRAINT = 'ck_wallets_balance_is_posted';
            END IF;
            RETURN NULL;
        END $$
    """)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for trigger, _, table, _ in NEW:
        op.execute(f"DROP TRIGGER {trigger} ON {table}")
    for function in ("require_posted_balances", "require_sound_postings", "require_postings"):
        op.execute(f"DROP FUNCTION {function}()")
    restore_old()
    # The older version knows two totals of each type, and no baselines.
    op.execute("""
        UPDATE wallets SET totals = (
            SELECT jsonb_object_agg(key, jsonb_build_array(value->0, value->1))
            FROM jsonb_each(totals)
        ) WHERE totals <> '{}'
    """)


def restore_old() -> None:
    op.execute("""
        CREATE FUNCTION require_balanced_entry() RETURNS trigger LANGUAGE plpgsql AS $$
        DECLARE
            entry uuid;
            postings integer;
            unbalanced integer;
        BEGIN
            IF TG_TABLE_NAME = 'journal_entries' THEN
                entry := NEW.id;
            ELSE
                entry := NEW.journal_entry_id;
            END IF;
            SELECT coalesce(sum(n), 0), count(*) FILTER (WHERE total <> 0)
            INTO postings, unbalanced
            FROM (
                SELECT count(*) AS n, sum(amount) AS total FROM wallet_transactions
                WHERE journal_entry_id = entry GROUP BY currency
            ) AS by_currency;
            IF postings < 2 OR unbalanced > 0 THEN
                RAISE EXCEPTION 'journal entry % does not sum to zero', entry
                    USING ERRCODE = 'check_violation',
                          CONSTRAINT = 'ck_journal_entries_sums_to_zero';
            END IF;
            RETURN NULL;
        END $$
    """)
    for table in ("journal_entries", "wallet_transactions"):
        op.execute(f"""
            CREATE CONSTRAINT TRIGGER require_balanced_entry AFTER INSERT ON {table}
            DEFERRABLE INITIALLY DEFERRED
            FOR EACH ROW EXECUTE FUNCTION require_balanced_entry()
        """)
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
