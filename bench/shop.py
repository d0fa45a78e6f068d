"""Users, products and wallet histories of a benchmark, inserted by SQL so that `verify` holds."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from uuid import UUID

import bcrypt
import jwt
from uuid_utils.compat import uuid7

from app.auth.tokens import ACCESS_AUDIENCE
from app.common.settings import Settings
from bench.servers import BANK, Servers

PASSWORD = "a-fine-secret-1"  # noqa: S105 – of users of the benchmark

#: More units than any scenario sells, and more cents than any buyer spends in one.
UNITS = 10**7
_INITIAL_CENTS = 10**10
#: More codes than a scenario sells.
CODES = 100_000

#: Postings of the user with a short history.
SHORT = 10_000

_ROLES = {"merchant": "MERCHANT", "admin": "ADMIN"}

_USERS = """
    INSERT INTO users (id, email, email_key, password_hash, role, email_public, is_active,
                       created_at, updated_at)
    SELECT id, email, email, %(hash)s, role, false, true, now(), now()
    FROM unnest(%(ids)s::uuid[], %(emails)s::text[], %(roles)s::text[]) AS u (id, email, role);

    INSERT INTO wallets (id, kind, user_id, currency, balance, sequence, created_at, updated_at)
    SELECT uuidv7(), 'USER', id, 'USD', 0, 0, now(), now()
    FROM unnest(%(ids)s::uuid[]) AS u (id);

    INSERT INTO login_sessions (id, user_id, created_at, last_used_at, expires_at)
    SELECT session_id, user_id, now(), now(), now() + interval '7 days'
    FROM unnest(%(sessions)s::uuid[], %(ids)s::uuid[]) AS s (session_id, user_id);
"""

# Many deposits at once, as the ledger writes them: against the bank account, because every entry
# sums to zero, and older than 30 days, because newer ones count towards the limits.
_DEPOSITS = """
    CREATE TEMP TABLE deposits AS
    SELECT uuidv7() AS entry, uuidv7() AS posting, w.id AS wallet, w.user_id,
        w.sequence + n AS sequence, w.balance + n * %(cents)s AS balance,
        n * %(cents)s AS total,
        now() - interval '31 days' - (%(times)s - n) * interval '1 second' AS time
    FROM wallets w CROSS JOIN generate_series(1, %(times)s::bigint) AS n
    WHERE w.user_id = ANY(%(ids)s::uuid[]) ORDER BY w.id, n;

    WITH entries AS (
        INSERT INTO journal_entries (id, kind, initiator_id, created_at)
        SELECT entry, 'DEPOSIT', user_id, time FROM deposits
    ), balances AS (
        UPDATE wallets w SET balance = g.balance, sequence = g.sequence,
            totals = jsonb_build_object('DEPOSIT', jsonb_build_array(g.total, g.total))
        FROM (SELECT wallet, max(balance) AS balance, max(sequence) AS sequence, max(total) AS total
              FROM deposits GROUP BY wallet) g WHERE w.id = g.wallet
    )
    INSERT INTO wallet_transactions (id, journal_entry_id, wallet_id, sequence, type, status,
        amount, balance_before, balance_after, currency, description, created_at, type_total,
        uncoded_total)
    SELECT posting, entry, wallet, sequence, 'DEPOSIT', 'COMPLETED', %(cents)s,
        balance - %(cents)s, balance, 'USD', 'Wallet deposit', time, total, total FROM deposits
    UNION ALL
    SELECT uuidv7(), entry, bank.id, NULL, 'DEPOSIT', 'COMPLETED', -%(cents)s, NULL, NULL, 'USD',
        'Wallet deposit', time, NULL, NULL
    FROM deposits CROSS JOIN wallets bank WHERE bank.code = 'BANK' AND bank.currency = 'USD';

    INSERT INTO outbox_events (id, type, aggregate_type, aggregate_id, version, data, occurred_at)
    SELECT uuidv7(), 'balance-updated', 'wallet', wallet, sequence, jsonb_build_object('userId',
        user_id, 'transactionId', posting, 'journalEntryId', entry, 'type', 'DEPOSIT',
        'amount', %(cents)s, 'balance', balance, 'currency', 'USD'), time FROM deposits;
"""

_PRODUCTS = """
    INSERT INTO products (id, merchant_id, name, price, currency, available_units, initial_units,
        is_active, created_at, updated_at)
    SELECT id, merchant_id, 'Benchmark', 100, 'USD', %(units)s, %(units)s, true, now(), now()
    FROM unnest(%(ids)s::uuid[], %(merchants)s::uuid[]) AS p (id, merchant_id)
"""

# As an upload stores them, except that the ciphertext is never decrypted.
_CODES = """
    INSERT INTO product_codes (id, product_id, position, fingerprint, sealed)
    SELECT uuidv7(), %(product)s, n, sha256(int8send(n)), sha256(int8send(n)) || sha256(int8send(n))
    FROM generate_series(1, %(units)s::bigint) AS n;

    UPDATE products SET kind = 'CODES' WHERE id = %(product)s;
"""

_ONRAMPS = """
    INSERT INTO onramps (id, user_id, provider, token, amount, currency, payer, status, expires_at,
        created_at, updated_at)
    SELECT uuidv7(), %(user)s, %(provider)s, token, 100, 'USD', 'Bench', 'PROCESSING',
        now() + interval '5 minutes', now(), now()
    FROM unnest(%(tokens)s::text[]) AS t (token)
"""


@dataclass(frozen=True)
class User:
    """A user with a wallet and a login session. token: an access token."""

    id: UUID
    session_id: UUID
    email: str
    token: str


class Shop:
    """Buyers with a balance, merchants, and products created on demand.

    long: postings of the user with a long history.
    """

    def __init__(self, servers: Servers, *, buyers: int, merchants: int, long: int) -> None:
        self.servers = servers
        self._long = long
        # One hash for all users, with the cost factor of production.
        rounds = Settings().bcrypt_rounds
        self._hash = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(rounds)).decode()
        self.buyers = self._create_users("buyer", buyers)
        self.merchants = self._create_users("merchant", merchants)
        self.deposit(self.buyers, cents=_INITIAL_CENTS)

    @cached_property
    def administrator(self) -> User:
        return self._create_users("admin", 1)[0]

    @cached_property
    def hot(self) -> UUID:
        """The product that all buyers buy."""
        return self.products(self.merchants[:1])[0]

    @cached_property
    def hot_codes(self) -> UUID:
        """A product with codes that all buyers buy."""
        (product,) = self.products(self.merchants[:1], units=CODES)
        self.servers.sql(_CODES, product=product, units=CODES)
        self.servers.sql("VACUUM (ANALYZE) product_codes")
        return product

    @cached_property
    def product_per_merchant(self) -> list[UUID]:
        """One product of every merchant."""
        return self.products(self.merchants)

    @cached_property
    def products_of_one_merchant(self) -> list[UUID]:
        """Fifty products of one merchant."""
        return self.products([self.merchants[1]] * 50)

    @cached_property
    def short_history(self) -> User:
        return self._user_with_history(SHORT)

    @cached_property
    def long_history(self) -> User:
        return self._user_with_history(self._long)

    def products(self, merchants: Sequence[User], *, units: int = UNITS) -> list[UUID]:
        """Create a product at $1.00 for each of `merchants`."""
        ids: list[UUID] = [uuid7() for _ in merchants]
        self.servers.sql(_PRODUCTS, ids=ids, merchants=[m.id for m in merchants], units=units)
        return ids

    def deposit(self, users: Sequence[User], *, cents: int, times: int = 1) -> None:
        """Deposit `cents` for each user `times` times, each as an entry of its own."""
        self.servers.sql(_DEPOSITS, ids=[p.id for p in users], cents=cents, times=times)

    def onramps(self, count: int) -> list[str]:
        """Create `count` on-ramps of $1.00 for one buyer. Returns their tokens."""
        tokens = [secrets.token_urlsafe(32) for _ in range(count)]
        self.servers.sql(_ONRAMPS, user=self.buyers[0].id, provider=BANK["code"], tokens=tokens)
        return tokens

    def _user_with_history(self, postings: int) -> User:
        """Create a buyer whose wallet has this number of postings."""
        (user,) = self._create_users(f"history-{postings}", 1)
        self.servers.sql(
            # The triggers of each row take half of the time; `verify` finds what they would.
            f"SET session_replication_role = replica; {_DEPOSITS}",
            ids=[user.id],
            cents=100,
            times=postings,
        )
        for statement in ("VACUUM (ANALYZE)", "CHECKPOINT"):  # not in the middle of a measurement
            self.servers.sql(statement)
        return user

    def _create_users(self, name: str, count: int) -> list[User]:
        users = [self._user(f"{name}-{n}", name) for n in range(count)]
        self.servers.sql(
            _USERS,
            hash=self._hash,
            ids=[p.id for p in users],
            emails=[p.email for p in users],
            roles=[_ROLES.get(name, "USER")] * count,
            sessions=[p.session_id for p in users],
        )
        return users

    def _user(self, name: str, kind: str) -> User:
        user_id, session_id = uuid7(), uuid7()
        email = f"{name}@bench.example.com"
        now = datetime.now(UTC)
        claims = {
            "iss": f"payment-flow/{self.servers.environment['APP_ENV']}",
            "aud": ACCESS_AUDIENCE,
            "sub": str(user_id),
            "sid": str(session_id),
            "role": _ROLES.get(kind, "USER"),
            "email": email,
            "type": "access",
            "fresh": False,
            "jti": str(uuid7()),
            "iat": now,
            "nbf": now,
            "exp": now + timedelta(days=7),
        }
        secret = self.servers.environment["JWT_ACCESS_SECRET"]
        return User(user_id, session_id, email, jwt.encode(claims, secret, "HS256"))
