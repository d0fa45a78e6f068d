"""The people who have signed up, so that they are the same after a restart."""

from dataclasses import dataclass
from typing import Final

from sandbox.common.store import Store

SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS accounts (
    api_url TEXT NOT NULL,
    name TEXT NOT NULL,
    email TEXT NOT NULL,
    password TEXT NOT NULL,
    refresh_token TEXT NOT NULL,
    secret TEXT,
    PRIMARY KEY (api_url, name)
) STRICT;
"""


@dataclass(frozen=True, slots=True)
class Account:
    """name: of the person; secret: of two-factor authentication, None without it."""

    name: str
    email: str
    password: str
    refresh_token: str
    secret: str | None = None


class Accounts:
    """The accounts at one API."""

    def __init__(self, store: Store, api_url: str) -> None:
        self._store = store
        self._api_url = api_url

    def get(self, name: str) -> Account | None:
        with self._store.read_transaction() as connection:
            row = connection.execute(
                "SELECT name, email, password, refresh_token, secret FROM accounts"
                " WHERE api_url = ? AND name = ?",
                (self._api_url, name),
            ).fetchone()
        return None if row is None else Account(*row)

    def save(self, account: Account) -> None:
        with self._store.write_transaction() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO accounts"
                " (api_url, name, email, password, refresh_token, secret)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                (
                    self._api_url,
                    account.name,
                    account.email,
                    account.password,
                    account.refresh_token,
                    account.secret,
                ),
            )
