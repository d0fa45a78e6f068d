"""People with an account, who sign in once and stay signed in."""

import secrets
import threading
import time
from dataclasses import replace
from typing import Any, Final

import pyotp

from sandbox.traffic.api import Answer, Api, ApiAway
from sandbox.traffic.store import Account, Accounts

DOMAIN: Final = "traffic.example.com"
#: The period of a code of an authenticator app; each code is accepted once.
_STEP_SECONDS: Final = 30
_MINIMUM_DEPOSIT: Final = 300

FIRST_NAMES: Final = (
    "Amara", "Bjarne", "Camille", "Dimitri", "Elif", "Farid", "Greta", "Hana", "Ivo", "Joana",
    "Kofi", "Lucia", "Marek", "Nadia", "Otto", "Paloma", "Quentin", "Ravi", "Saskia", "Tomas",
    "Uma", "Viktor", "Wanda", "Ximena", "Yusuf", "Zofia",
)  # fmt: skip
LAST_NAMES: Final = (
    "Abreu", "Bauer", "Costa", "Demir", "Eriksen", "Fofana", "Gruber", "Hassan", "Ito", "Jansen",
    "Kovacs", "Lopez", "Meyer", "Novak", "Okafor", "Petrov", "Rossi", "Silva", "Tran", "Weber",
)  # fmt: skip


class Person:
    """A user of the API. name: unique among the people of a simulator.

    Only one thread at a time acts as a person (`lock`).
    """

    def __init__(self, api: Api, accounts: Accounts, name: str, *, role: str = "USER") -> None:
        self.name = name
        self.lock = threading.Lock()
        self.id = ""
        #: Minor units in the wallet, as far as known.
        self.balance = 0
        self._api = api
        self._accounts = accounts
        self._role = role
        self._account: Account | None = None
        self._token = ""
        self._coded_at = 0

    def sign_in(self) -> None:
        """Sign in, and sign up if there is no account yet. Raises ApiAway."""
        stored = self._accounts.get(self.name)
        if stored is None or not self._return(stored):
            self._sign_up()

    def call(
        self, method: str, path: str, body: dict[str, Any] | None = None, *, coded: bool = False
    ) -> Answer:
        """Send a request as this person. coded: with a two-factor code. Raises ApiAway."""
        code = self._code() if coded else None
        answer = self._api.call(method, path, body, token=self._token, code=code)
        if answer.status == 401:
            self.sign_in()
            answer = self._api.call(method, path, body, token=self._token, code=code)
        return answer

    @property
    def has_code(self) -> bool:
        """Whether there is a code that was not used yet."""
        return self._has_secret and self._coded_at < _step()

    @property
    def _has_secret(self) -> bool:
        return self._account is not None and self._account.secret is not None

    def enrol(self) -> None:
        """Enable two-factor authentication. Its first code is used up by that."""
        account = self._account
        if account is None or account.secret is not None:
            return
        answer = self.call("POST", "/auth/two-factor", {"password": account.password})
        if not answer.is_success:
            return
        secret = str(answer.body["secret"])
        code = pyotp.TOTP(secret).now()
        if self.call("POST", "/auth/two-factor/confirm", {"code": code}).is_success:
            self._coded_at = _step()
            self._keep(replace(account, secret=secret))

    def have(self, amount: int, *, decimals: int) -> None:
        """Deposit money unless there is enough. amount: minor units. Raises ApiAway."""
        if self.balance >= amount:
            return
        minor = max(2 * amount, _MINIMUM_DEPOSIT * 10**decimals)
        minor = max(min(minor, 9_000 * 10**decimals), amount)
        if self.call("POST", "/wallet/deposit", {"amount": decimal(minor, decimals)}).is_success:
            self.balance += minor

    def _code(self) -> str | None:
        if self._account is None or self._account.secret is None:
            return None
        self._coded_at = _step()
        return pyotp.TOTP(self._account.secret).now()

    def _return(self, stored: Account) -> bool:
        """Sign in again. A refresh token takes no password hash, but is valid for a week only."""
        tried = self._api.call("POST", "/auth/refresh", {"refreshToken": stored.refresh_token})
        if not tried.is_success:
            body = {"email": stored.email, "password": stored.password}
            if stored.secret is not None:
                body["code"] = pyotp.TOTP(stored.secret).now()
                self._coded_at = _step()
            tried = self._api.call("POST", "/auth/login", body)
        return tried.is_success and self._enter(tried, stored)

    def _sign_up(self) -> None:
        first, last = self.name.split()[:2]
        mark = secrets.token_hex(4)
        email = f"{first}.{last}.{mark}@{DOMAIN}".lower()
        password = secrets.token_urlsafe(16)
        body = {
            "email": email,
            "password": password,
            "role": self._role,
            "firstName": first,
            "lastName": last,
        }
        answer = self._api.call("POST", "/auth/register", body)
        if not answer.is_success:
            raise ApiAway(f"A person could not sign up: {answer.error}.")
        self._enter(answer, Account(self.name, email, password, ""))

    def _enter(self, answer: Answer, account: Account) -> bool:
        self._token = str(answer.body["accessToken"])
        self._keep(replace(account, refresh_token=str(answer.body["refreshToken"])))
        wallet = self._api.call("GET", "/wallet", token=self._token)
        if not wallet.is_success:
            return False
        self.balance = int(str(wallet.body["balance"]).replace(".", ""))
        user = self._api.call("GET", "/auth/me", token=self._token)
        self.id = str(user.body["id"])
        return True

    def _keep(self, account: Account) -> None:
        self._account = account
        self._accounts.save(account)


def decimal(minor: int, decimals: int) -> str:
    """An amount as the API expects it."""
    whole, rest = divmod(minor, 10**decimals)
    return f"{whole}.{rest:0{decimals}}" if decimals else str(whole)


def _step() -> int:
    return int(time.time()) // _STEP_SECONDS
