"""What the ledger and the database guarantee."""

from collections.abc import Callable
from decimal import Decimal
from uuid import UUID, uuid4

import pytest
from flask import Flask
from sqlalchemy import Engine, create_engine, func, make_url, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from app.common import db
from app.common.db import transaction
from app.common.ids import new_id
from app.common.money import MAX_MINOR
from app.verify.report import violations
from app.wallets import ledger, outflow
from app.wallets import service as wallets
from app.wallets.deposits import Deposit
from app.wallets.errors import BalanceTooLarge, InsufficientFunds, WalletLocked, WalletNotFound
from app.wallets.ledger import (
    Account,
    Authorization,
    Entry,
    EntryUnbalanced,
    OutflowNotAuthorized,
    Posting,
    system_account,
)
from app.wallets.models import (
    JournalEntry,
    SystemCode,
    TransactionType,
    Wallet,
    WalletKind,
    WalletTransaction,
)
from tests import factories
from tests.servers import TestDatabase

APPEND_ONLY = ["journal_entries", "wallet_transactions", "restocks", "audit_log"]


def connect_as_owner(database: TestDatabase) -> Engine:
    """Connects to the test's database as the role that runs migrations."""
    owner = make_url(database.owner_url)
    return create_engine(
        db.current().engine.url.set(username=owner.username, password=owner.password)
    )


def account(*, balance: int = 0, held: int = 0, is_locked: bool = False) -> Account:
    return Account(
        id=new_id(),
        kind=WalletKind.USER,
        currency="USD",
        user_id=new_id(),
        balance=balance,
        held=held,
        is_locked=is_locked,
    )


class TestAccount:
    def test_a_payment_above_the_balance_is_refused(self) -> None:
        user_account = account(balance=1230)

        user_account.require_can_pay(1230)
        with pytest.raises(InsufficientFunds) as refused:
            user_account.require_can_pay(1231)

        assert refused.value.text == "Insufficient funds. Required: $12.31, Available: $12.30"

    def test_a_held_amount_is_not_available(self) -> None:
        user_account = account(balance=1000, held=400)

        user_account.require_can_pay(600)
        with pytest.raises(InsufficientFunds):
            user_account.require_can_pay(601)

    def test_a_locked_account_can_neither_pay_nor_receive(self) -> None:
        locked = account(balance=1000, is_locked=True)

        with pytest.raises(WalletLocked):
            locked.require_can_pay(1)
        with pytest.raises(WalletLocked):
            locked.require_can_receive(1)

    def test_a_balance_above_64_bits_is_refused(self) -> None:
        full = account(balance=MAX_MINOR - 1)

        full.require_can_receive(1)
        with pytest.raises(BalanceTooLarge):
            full.require_can_receive(2)


class TestPosting:
    def test_an_entry_that_does_not_sum_to_zero_is_refused(self, app: Flask) -> None:
        user_account = account(balance=100)
        bank = system_account(SystemCode.BANK, "USD")
        entry = Entry(
            kind="TEST",
            postings=(
                Posting(user_account, 10, TransactionType.DEPOSIT),
                Posting(bank, -9, TransactionType.DEPOSIT),
            ),
        )

        with pytest.raises(EntryUnbalanced), factories.ledger_session() as session:
            ledger.post(session, entry)

    def test_an_entry_must_balance_in_each_currency(self, app: Flask) -> None:
        entry = Entry(
            kind="TEST",
            postings=(
                Posting(account(), 10, TransactionType.DEPOSIT),
                Posting(system_account(SystemCode.BANK, "EUR"), -10, TransactionType.DEPOSIT),
            ),
        )

        with pytest.raises(EntryUnbalanced), factories.ledger_session() as session:
            ledger.post(session, entry)

    def test_an_entry_with_one_posting_is_refused(self, app: Flask) -> None:
        entry = Entry(kind="TEST", postings=(Posting(account(), 0, TransactionType.DEPOSIT),))

        with pytest.raises(EntryUnbalanced), factories.ledger_session() as session:
            ledger.post(session, entry)

    @pytest.mark.parametrize(
        "authorize",
        [
            lambda account: None,
            lambda account: Authorization(uuid4(), 10, TransactionType.WITHDRAWAL),
            lambda account: Authorization(account.id, 9, TransactionType.WITHDRAWAL),
            lambda account: Authorization(account.id, 10, TransactionType.PAYOUT),
        ],
        ids=["none", "another account", "a smaller amount", "another kind"],
    )
    def test_a_debit_of_a_user_without_its_authorization_is_refused(
        self, app: Flask, authorize: Callable[[Account], Authorization | None]
    ) -> None:
        user_account, kind = account(balance=100), TransactionType.WITHDRAWAL
        entry = Entry(
            kind="TEST",
            postings=(
                Posting(user_account, -10, kind, authorization=authorize(user_account)),
                Posting(system_account(SystemCode.BANK, "USD"), 10, kind),
            ),
        )

        with pytest.raises(OutflowNotAuthorized), factories.ledger_session() as session:
            ledger.post(session, entry)
        assert user_account.balance == 100

    def test_a_hold_with_the_authorization_of_another_account_is_refused(self) -> None:
        held = account(balance=100)

        with pytest.raises(OutflowNotAuthorized):
            ledger.hold(held, Authorization(uuid4(), 10, TransactionType.PAYMENT))
        assert held.held == 0

    def test_only_what_is_owed_is_an_obligation(self) -> None:
        with pytest.raises(ValueError, match="WITHDRAWAL is not an obligation"):
            outflow.obligation(account(), 1, TransactionType.WITHDRAWAL)

    def test_balances_of_several_entries_on_one_account_are_consecutive(self, app: Flask) -> None:
        user = factories.buyer("1.00")
        with factories.ledger_session() as session:
            user_account = wallets.require_account(session, user_id=user.id, currency="USD")
            bank = system_account(SystemCode.BANK, "USD")
            entries = [
                ledger.apply(
                    Entry(
                        kind="TEST",
                        postings=(
                            Posting(
                                user_account,
                                amount,
                                TransactionType.DEPOSIT,
                                authorization=Authorization(
                                    user_account.id, 20, TransactionType.DEPOSIT
                                ),
                            ),
                            Posting(bank, -amount, TransactionType.DEPOSIT),
                        ),
                    )
                )
                for amount in (10, -20, 30)
            ]
            ledger.write_entries(session, entries)

        rows = [entry.postings[0] for entry in entries]
        assert [(r.balance_before, r.balance_after, r.sequence) for r in rows] == [
            (100, 110, 2),
            (110, 90, 3),
            (90, 120, 4),
        ]
        with transaction() as session:
            wallet = factories.wallet(session, user.id)
        assert (wallet.balance, wallet.sequence) == (120, 4)

    def test_a_platform_account_has_no_running_balance(self, app: Flask) -> None:
        factories.buyer("5.00")
        bank_id = system_account(SystemCode.BANK, "USD").id

        with transaction() as session:
            bank = session.get_one(Wallet, bank_id)
            (posting,) = session.scalars(
                select(WalletTransaction).where(WalletTransaction.wallet_id == bank_id)
            )
        assert (bank.balance, bank.sequence) == (0, 0)
        assert (posting.amount, posting.balance_after, posting.sequence) == (-500, None, None)

    def test_platform_accounts_exist_for_each_currency(self, app: Flask) -> None:
        with transaction() as session:
            ids = set(session.scalars(select(Wallet.id).where(Wallet.kind == WalletKind.SYSTEM)))

        assert ids == {
            system_account(code, currency).id
            for code in SystemCode
            for currency in ("USD", "EUR", "GBP", "INR", "EGP", "JPY", "KWD")
        }


class TestLockingAccounts:
    def test_users_without_a_wallet_are_omitted(self, app: Flask) -> None:
        user = factories.buyer("1.00")

        with transaction() as session:
            found = wallets.lock_accounts(session, user_ids=[user.id, new_id()], currency="USD")

        assert list(found) == [user.id]
        assert found[user.id].balance == 100

    def test_a_deposit_without_a_wallet_is_refused(self, app: Flask) -> None:
        actor = factories.actor()
        deposit = Deposit(Decimal("1.00"), "EUR", maximum=Decimal("10.00"))

        with factories.ledger_session() as session, pytest.raises(WalletNotFound):
            factories.execute(session, deposit, actor.id)


class TestAppendOnlyTables:
    """Enforced by the database for every role."""

    @pytest.fixture
    def history(self, committing: Flask) -> None:
        """At least one row in each append-only table."""
        seller, buyer = factories.merchant(), factories.buyer("10.00")
        product_id = factories.product(seller, units=1)
        client = committing.test_client()
        client.patch(
            f"/api/v1/products/{product_id}", json={"availableUnits": 3}, headers=seller.headers
        )
        client.post(
            f"/api/v1/admin/users/{buyer.id}/deactivate",
            json={"reason": "test"},
            headers=factories.admin().headers,
        )

    @pytest.mark.parametrize("role", ["application", "owner"])
    def test_update_delete_and_truncate_are_refused(
        self, history: None, database: TestDatabase, role: str
    ) -> None:
        engine = (
            db.current().engine.execution_options(isolation_level="READ COMMITTED")
            if role == "application"
            else connect_as_owner(database)
        )
        refused = {}
        with engine.connect() as connection:
            for table in APPEND_ONLY:
                assert connection.scalar(text(f"SELECT count(*) FROM {table}")), table
                for statement in (
                    f"UPDATE {table} SET created_at = now()",
                    f"UPDATE {table} SET created_at = now() WHERE false",
                    f"DELETE FROM {table}",
                    f"TRUNCATE {table} CASCADE",
                ):
                    with pytest.raises(DBAPIError) as error, connection.begin_nested():
                        connection.execute(text(statement))
                    refused[statement] = db.sqlstate(error.value)
            connection.rollback()
        if role == "owner":
            engine.dispose()

        # 42501: insufficient privilege. 23001: raised by the trigger.
        if role == "application":  # old records of the audit log are deleted
            assert refused.pop("DELETE FROM audit_log") == "23001"
        assert set(refused.values()) == {"42501" if role == "application" else "23001"}

    def test_the_application_cannot_remove_the_triggers(self, committing: Flask) -> None:
        for statement in (
            "ALTER TABLE wallet_transactions DISABLE TRIGGER ALL",
            "DROP TRIGGER refuse_change ON wallet_transactions",
            "DROP TABLE wallet_transactions",
            "SET session_replication_role = replica",
            "CREATE TABLE extra (id int)",
        ):
            with pytest.raises(DBAPIError), transaction() as session:
                session.execute(text(statement))


class TestUnbalancedEntries:
    """The database refuses them, independently of the application."""

    ENTRY = """
        WITH entry AS (
            INSERT INTO journal_entries (id, kind, created_at) VALUES (:entry, 'TEST', now())
        )
    """
    POSTINGS = """
        INSERT INTO wallet_transactions
            (id, journal_entry_id, wallet_id, type, status, amount, currency, created_at)
        SELECT gen_random_uuid(), :entry, w.id, 'DEPOSIT', 'COMPLETED', p.amount, p.currency, now()
        FROM unnest(CAST(:amounts AS bigint[]), CAST(:currencies AS text[])) p (amount, currency)
        JOIN wallets w ON w.code = 'BANK' AND w.currency = p.currency
    """

    def insert(self, statement: str, entry_id: UUID, postings: list[tuple[int, str]]) -> None:
        with transaction() as session:
            session.execute(
                text(statement),
                {
                    "entry": entry_id,
                    "amounts": [amount for amount, _ in postings],
                    "currencies": [currency for _, currency in postings],
                },
            )

    def refused(self, statement: str, entry_id: UUID, postings: list[tuple[int, str]]) -> None:
        with pytest.raises(IntegrityError) as error:
            self.insert(statement, entry_id, postings)
        assert db.constraint_name(error.value) == "ck_journal_entries_sums_to_zero"

    @pytest.mark.parametrize(
        "postings",
        [
            [],
            [(5, "USD")],
            [(5, "USD"), (-4, "USD")],
            [(5, "USD"), (-5, "EUR")],
            [(5, "USD"), (-5, "USD"), (1, "EUR"), (-2, "EUR")],
        ],
        ids=str,
    )
    def test_an_unbalanced_entry_is_refused(
        self, committing: Flask, postings: list[tuple[int, str]]
    ) -> None:
        self.refused(self.ENTRY + self.POSTINGS, new_id(), postings)

        with transaction() as session:
            assert session.scalar(select(func.count()).select_from(JournalEntry)) == 0

    def test_a_balanced_entry_is_accepted(self, committing: Flask) -> None:
        self.insert(self.ENTRY + self.POSTINGS, new_id(), [(5, "USD"), (-5, "USD")])

        assert [name for name, rows in violations() if rows] == []

    def test_a_posting_cannot_be_added_to_an_entry(self, committing: Flask) -> None:
        entry_id = new_id()
        self.insert(self.ENTRY + self.POSTINGS, entry_id, [(5, "USD"), (-5, "USD")])

        self.refused(self.POSTINGS, entry_id, [(1, "USD")])


class TestBalanceConstraints:
    @pytest.mark.parametrize(
        "change", ["balance = -1", "held = -1", "held = balance + 1", "currency = NULL"]
    )
    def test_a_wallet_cannot_be_overdrawn(self, app: Flask, change: str) -> None:
        factories.buyer("1.00")

        with pytest.raises(IntegrityError), transaction() as session:
            factories.as_owner(session, f"UPDATE wallets SET {change} WHERE kind = 'USER'")

    def test_a_platform_account_cannot_have_a_balance(self, app: Flask) -> None:
        with pytest.raises(IntegrityError), transaction() as session:
            session.execute(text("UPDATE wallets SET balance = 1 WHERE kind = 'SYSTEM'"))
