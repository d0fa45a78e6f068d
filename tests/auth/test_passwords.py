"""Passwords: what is refused, in which form they are hashed, and when they are hashed anew."""

import unicodedata
from collections.abc import Callable

import bcrypt
import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update

from app.auth import passwords
from app.auth.errors import PasswordRefused
from app.auth.models import User
from app.auth.passwords import Verdict
from app.common import db
from app.common.fair_executor import Turn
from tests.auth.helpers import AUTH, bearer, login, register
from tests.factories import PASSWORD
from tests.responses import refusal

EMAIL = "alice.jones-77@example.com"
TURN = Turn("test")
#: Characters that have a composed and a decomposed form.
COMPOSED = unicodedata.normalize("NFC", "crème-brûlée-№7")
DECOMPOSED = unicodedata.normalize("NFD", COMPOSED)


def hash_of(password: str, *, cost: int = 4) -> str:
    """A hash as earlier versions stored it: of the password as it was typed."""
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(cost)).decode()


def stored_hash(email: str = "alice@example.com") -> str:
    with db.transaction() as session:
        return session.scalars(select(User.password_hash).where(User.email == email)).one()


def store_hash(password_hash: str, email: str = "alice@example.com") -> None:
    with db.transaction() as session:
        session.execute(update(User).where(User.email == email).values(password_hash=password_hash))


def work(hashed: list[bytes]) -> int:
    """The work of these comparisons, of which each step of the cost doubles one."""
    return sum(2 ** int(prefix.split(b"$")[2]) for prefix in hashed)


class TestNames:
    @pytest.mark.parametrize(
        "password",
        [
            EMAIL,
            EMAIL.upper(),
            "alice.jones-77",
            "AliceJones77",
            " alice.jones-77! ",
            "Payment Flow",
            "paymentflow",
            "Payment-Flow!",
            "PaymentFlow2026",
            "+14155550100",
            "1 415 555 0100",
        ],
    )
    def test_own_names_and_the_name_of_the_product_are_refused(self, password: str) -> None:
        with pytest.raises(PasswordRefused):
            passwords.require_acceptable(password, names=[EMAIL, "+14155550100", None])

    @pytest.mark.parametrize("password", ["alice-and-the-white-rabbit", "my payment flows freely"])
    def test_a_password_that_only_contains_a_name_is_accepted(self, password: str) -> None:
        passwords.require_acceptable(password, names=[EMAIL])

    def test_at_registration(self, client: FlaskClient) -> None:
        answer = register(client, email=EMAIL, password=EMAIL)

        assert refusal(answer) == (400, "VALIDATION_ERROR")
        assert list(answer.json["details"]) == ["password"]

    def test_when_the_password_is_changed(self, client: FlaskClient) -> None:
        token = register(client, email=EMAIL).json["accessToken"]

        answer = client.post(
            f"{AUTH}/password",
            json={"currentPassword": PASSWORD, "newPassword": EMAIL},
            headers=bearer(token),
        )

        assert refusal(answer) == (400, "VALIDATION_ERROR")
        assert list(answer.json["details"]) == ["newPassword"]

    def test_at_automatic_registration(
        self, client: FlaskClient, change_settings: Callable[..., None]
    ) -> None:
        change_settings(phone_auto_registration=True)

        answer = client.post(
            f"{AUTH}/phone", json={"phone": "+14155550100", "password": "14155550100"}
        )

        assert refusal(answer) == (400, "VALIDATION_ERROR")


class TestForms:
    @pytest.mark.parametrize("typed", [COMPOSED, DECOMPOSED])
    @pytest.mark.parametrize("registered", [COMPOSED, DECOMPOSED])
    def test_both_forms_of_a_password_sign_in(
        self, client: FlaskClient, registered: str, typed: str
    ) -> None:
        register(client, password=registered)

        assert login(client, password=typed).status_code == 200

    def test_a_hash_of_the_decomposed_form_still_works_and_is_replaced(
        self, client: FlaskClient
    ) -> None:
        register(client)
        store_hash(hash_of(DECOMPOSED))

        assert login(client, password=DECOMPOSED).status_code == 200
        assert bcrypt.checkpw(COMPOSED.encode(), stored_hash().encode())
        assert login(client, password=COMPOSED).status_code == 200

    def test_the_length_is_that_of_the_hashed_form(self) -> None:
        passwords.require_acceptable(unicodedata.normalize("NFD", "é7#pQ2x!" * 8))

    def test_a_password_costs_the_same_whether_or_not_the_account_exists(
        self, client: FlaskClient, hashed: list[bytes]
    ) -> None:
        register(client, password=COMPOSED)
        login(client, password=DECOMPOSED)
        known = work(hashed)
        hashed.clear()
        login(client, "nobody@example.com", password=DECOMPOSED)

        assert work(hashed) == known


class TestCosts:
    """The configured cost is 4 in the tests."""

    @pytest.mark.parametrize("stored", [5, 6])
    def test_a_hash_of_another_cost_is_replaced_at_sign_in(
        self, client: FlaskClient, stored: int
    ) -> None:
        register(client)
        store_hash(hash_of(PASSWORD, cost=stored))

        assert login(client).status_code == 200
        assert stored_hash().startswith("$2b$04$")
        assert login(client).status_code == 200

    def test_a_hash_of_the_right_cost_is_kept(self, client: FlaskClient) -> None:
        register(client)
        before = stored_hash()
        login(client)

        assert stored_hash() == before

    def test_a_wrong_password_replaces_nothing(self, client: FlaskClient) -> None:
        register(client)
        store_hash(before := hash_of(PASSWORD, cost=5))
        login(client, password="correct-horse-2")

        assert stored_hash() == before

    @pytest.mark.parametrize("other", [4, 5, 7])
    @pytest.mark.parametrize("own", [4, 5, 7])
    def test_refusing_costs_the_same_whatever_the_stored_costs_are(
        self, client: FlaskClient, hashed: list[bytes], own: int, other: int
    ) -> None:
        register(client)
        register(client, email="bob@example.com")
        store_hash(hash_of(PASSWORD, cost=own))
        store_hash(hash_of(PASSWORD, cost=other), "bob@example.com")
        refused = [
            ("alice@example.com", "correct-horse-2"),
            ("bob@example.com", "correct-horse-2"),
            ("nobody@example.com", PASSWORD),
            ("alice@example.com", "x" * 100),
        ]

        efforts = []
        for email, password in refused:
            hashed.clear()
            login(client, email, password=password)
            efforts.append(work(hashed))

        assert efforts == [2 ** max(own, other, 4)] * len(refused)

    @pytest.mark.parametrize(("rounds", "max_cost"), [(4, 0), (6, 4), (4, 6)])
    def test_a_hash_is_outdated_unless_it_has_the_configured_cost(
        self, rounds: int, max_cost: int
    ) -> None:
        verdicts = [
            passwords.verify(
                PASSWORD, hash_of(PASSWORD, cost=cost), rounds=rounds, max_cost=6, turn=TURN
            )
            for cost in (4, 5, 6)
        ]

        assert [verdict is Verdict.CORRECT for verdict in verdicts] == [
            cost == rounds for cost in (4, 5, 6)
        ]
        assert Verdict.WRONG not in verdicts
        unknown = passwords.verify(PASSWORD, None, rounds=rounds, max_cost=max_cost, turn=TURN)
        assert unknown is Verdict.WRONG
