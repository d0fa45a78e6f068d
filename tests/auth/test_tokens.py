"""Tokens that are forged, expired, not yet valid, or of the wrong type."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import jwt
import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.auth.tokens import TokenRules, token_rules
from app.common import clock
from tests import factories
from tests.clock import freeze_clock
from tests.factories import Actor
from tests.responses import refusal

AUTH = "/api/v1/auth"


@pytest.fixture
def rules(app: Flask) -> TokenRules:
    rules: TokenRules = token_rules()
    return rules


def access_claims(user: Actor, **changes: Any) -> dict[str, Any]:
    now = datetime.now(UTC)
    claims = {
        "iss": token_rules().issuer,
        "aud": "payment-flow-api",
        "fresh": False,
        "iat": now,
        "jti": str(uuid4()),
        "type": "access",
        "sub": str(user.id),
        "nbf": now,
        "exp": now + timedelta(minutes=15),
        "sid": str(user.session_id),
        "role": "USER",
        "email": user.email,
    }
    return {name: value for name, value in (claims | changes).items() if value is not None}


def decoded(token: str, secret: str, audience: str) -> dict[str, Any]:
    """The claims of a token that we issued for this audience."""
    claims: dict[str, Any] = jwt.decode(
        token, secret, ["HS256"], issuer="payment-flow/test", audience=audience
    )
    return claims


def refused_as_access(client: FlaskClient, token: str) -> bool:
    answer = client.get(f"{AUTH}/me", headers={"Authorization": f"Bearer {token}"})
    if answer.status_code == 200:
        return False
    assert refusal(answer) == (401, "UNAUTHORIZED")
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    return True


def refused_as_refresh(client: FlaskClient, token: str) -> bool:
    answer = client.post(f"{AUTH}/refresh", json={"refreshToken": token})
    if answer.status_code == 200:
        return False
    assert refusal(answer) == (401, "INVALID_REFRESH_TOKEN")
    return True


class TestAccessTokens:
    def test_a_token_with_our_claims_and_secret_is_accepted(
        self, client: FlaskClient, rules: TokenRules
    ) -> None:
        """So the refusals below are due to what each test changes."""
        token = jwt.encode(access_claims(factories.actor()), rules.access_secret, "HS256")

        assert not refused_as_access(client, token)

    def test_an_access_token_expires_after_15_minutes(
        self, client: FlaskClient, rules: TokenRules
    ) -> None:
        claims = decoded(factories.actor().token, rules.access_secret, "payment-flow-api")

        assert claims["exp"] - claims["iat"] == 15 * 60

    @pytest.mark.parametrize(
        "changes",
        [
            {"exp": datetime(2020, 1, 1, tzinfo=UTC)},
            {"nbf": datetime(2999, 1, 1, tzinfo=UTC)},
            {"type": "refresh"},
            {"sub": None},
            {"sub": "nobody"},
            {"sid": None},
            {"sid": "none"},
            {"role": None},
            {"sub": str(uuid4())},
            {"sid": str(uuid4())},
            {"iss": None},
            {"iss": "payment-flow/production"},
            {"aud": None},
            {"aud": "payment-flow-refresh"},
            {"iss": None, "aud": None},
        ],
        ids=lambda changes: "-".join(changes),
    )
    def test_wrong_claims_are_refused(
        self, client: FlaskClient, rules: TokenRules, changes: dict[str, Any]
    ) -> None:
        claims = access_claims(factories.actor(), **changes)

        assert refused_as_access(client, jwt.encode(claims, rules.access_secret, "HS256"))

    def test_a_session_of_another_user_is_refused(
        self, client: FlaskClient, rules: TokenRules
    ) -> None:
        mine, theirs = factories.actor(), factories.actor()
        claims = access_claims(mine, sid=str(theirs.session_id))

        assert refused_as_access(client, jwt.encode(claims, rules.access_secret, "HS256"))

    def test_other_secrets_and_algorithms_are_refused(
        self, client: FlaskClient, rules: TokenRules
    ) -> None:
        claims = access_claims(factories.actor())

        assert refused_as_access(client, jwt.encode(claims, "x" * 64, "HS256"))
        assert refused_as_access(client, jwt.encode(claims, rules.refresh_secret, "HS256"))
        assert refused_as_access(client, jwt.encode(claims, None, "none"))
        assert refused_as_access(client, jwt.encode(claims, rules.access_secret, "HS384"))

    def test_a_removed_signature_is_refused(self, client: FlaskClient, rules: TokenRules) -> None:
        head, _, _ = factories.actor().token.rpartition(".")

        assert refused_as_access(client, head + ".")
        assert refused_as_access(client, head)

    def test_a_refresh_token_is_refused_as_an_access_token(self, client: FlaskClient) -> None:
        body = {"email": "alice@example.com", "password": factories.PASSWORD, "role": "USER"}
        token = client.post(f"{AUTH}/register", json=body).json["refreshToken"]

        assert refused_as_access(client, token)

    @pytest.mark.parametrize(
        "header",
        [
            None,
            "",
            "Bearer",
            "Bearer ",
            "Bearer  ",
            "Basic YWxpY2U6c2VjcmV0",
            "Bearer abc",
            "Bearer a.b.c",
            "Bearer a b c",
            "bearer: x",
            "Bearer \xff\xfe",
            "Bearer " + "x" * 5000,
        ],
    )
    def test_a_malformed_header_is_unauthorized(
        self, client: FlaskClient, header: str | None
    ) -> None:
        headers = {} if header is None else {"Authorization": header}

        answer = client.get(f"{AUTH}/me", headers=headers)

        assert refusal(answer) == (401, "UNAUTHORIZED")

    def test_a_token_without_the_bearer_scheme_is_refused(self, client: FlaskClient) -> None:
        answer = client.get(f"{AUTH}/me", headers={"Authorization": factories.actor().token})

        assert refusal(answer) == (401, "UNAUTHORIZED")

    def test_a_token_in_the_query_or_in_a_cookie_is_no_credential(
        self, client: FlaskClient
    ) -> None:
        token = factories.actor().token
        client.set_cookie("access_token_cookie", token)

        assert refusal(client.get(f"{AUTH}/me")) == (401, "UNAUTHORIZED")
        for name in ("jwt", "access_token"):
            answer = client.get(f"{AUTH}/me", query_string={name: token})
            assert refusal(answer) == (400, "VALIDATION_ERROR")
            assert token not in answer.text

    def test_a_token_with_another_role_is_refused_after_signing_out(
        self, client: FlaskClient, rules: TokenRules
    ) -> None:
        user = factories.actor()
        client.post(f"{AUTH}/logout", headers=user.headers)
        token = jwt.encode(access_claims(user, role="ADMIN"), rules.access_secret, "HS256")

        assert refused_as_access(client, token)


class TestRefreshTokens:
    def claims(self, client: FlaskClient, rules: TokenRules) -> dict[str, Any]:
        body = {"email": "alice@example.com", "password": factories.PASSWORD, "role": "USER"}
        token = client.post(f"{AUTH}/register", json=body).json["refreshToken"]
        return decoded(token, rules.refresh_secret, "payment-flow-refresh")

    def test_a_token_with_our_claims_and_secret_is_accepted(
        self, client: FlaskClient, rules: TokenRules
    ) -> None:
        token = jwt.encode(self.claims(client, rules), rules.refresh_secret, "HS256")

        assert not refused_as_refresh(client, token)

    def test_a_refresh_token_expires_after_7_days(
        self, client: FlaskClient, rules: TokenRules
    ) -> None:
        claims = self.claims(client, rules)

        assert claims["exp"] - claims["iat"] == 7 * 24 * 3600

    def test_an_expired_token_is_refused(self, client: FlaskClient, rules: TokenRules) -> None:
        claims = self.claims(client, rules) | {"exp": datetime(2020, 1, 1, tzinfo=UTC)}

        assert refused_as_refresh(client, jwt.encode(claims, rules.refresh_secret, "HS256"))

    @pytest.mark.parametrize("name", ["sub", "sid", "jti", "exp", "iss", "aud"])
    def test_a_token_without_a_claim_is_refused(
        self, client: FlaskClient, rules: TokenRules, name: str
    ) -> None:
        claims = self.claims(client, rules)
        del claims[name]

        assert refused_as_refresh(client, jwt.encode(claims, rules.refresh_secret, "HS256"))

    @pytest.mark.parametrize("name", ["sid", "jti"])
    def test_a_token_of_another_session_or_never_issued_is_refused(
        self, client: FlaskClient, rules: TokenRules, name: str
    ) -> None:
        claims = self.claims(client, rules) | {name: str(uuid4())}

        assert refused_as_refresh(client, jwt.encode(claims, rules.refresh_secret, "HS256"))

    def test_other_secrets_and_algorithms_are_refused(
        self, client: FlaskClient, rules: TokenRules
    ) -> None:
        claims = self.claims(client, rules)

        assert refused_as_refresh(client, jwt.encode(claims, "x" * 64, "HS256"))
        assert refused_as_refresh(client, jwt.encode(claims, rules.access_secret, "HS256"))
        assert refused_as_refresh(client, jwt.encode(claims, None, "none"))

    @pytest.mark.parametrize("token", ["x", "a.b.c", "....", "é", "x" * 4096])
    def test_a_malformed_token_is_refused(self, client: FlaskClient, token: str) -> None:
        assert refused_as_refresh(client, token)

    def test_an_access_token_is_refused_as_a_refresh_token(self, client: FlaskClient) -> None:
        assert refused_as_refresh(client, factories.actor().token)


class TestTokensOfEarlierVersions:
    """They have neither issuer nor audience."""

    def earlier(self, rules: TokenRules, claims: dict[str, Any]) -> dict[str, Any]:
        issued = {"iat": rules.configured_at - timedelta(minutes=5)}
        kept = {name: value for name, value in claims.items() if name not in ("iss", "aud")}
        return kept | issued

    def test_they_are_accepted_until_they_expire(
        self, client: FlaskClient, rules: TokenRules
    ) -> None:
        claims = self.earlier(rules, access_claims(factories.actor()))
        old = claims | {"exp": datetime.now(UTC) - timedelta(hours=1)}

        assert not refused_as_access(client, jwt.encode(claims, rules.access_secret, "HS256"))
        assert refused_as_access(client, jwt.encode(old, rules.access_secret, "HS256"))

    def test_their_session_continues_with_tokens_of_this_version(
        self, client: FlaskClient, rules: TokenRules
    ) -> None:
        claims = self.earlier(rules, TestRefreshTokens().claims(client, rules))
        token = jwt.encode(claims, rules.refresh_secret, "HS256")

        answer = client.post(f"{AUTH}/refresh", json={"refreshToken": token})

        assert answer.status_code == 200
        decoded(answer.json["accessToken"], rules.access_secret, "payment-flow-api")
        assert not refused_as_refresh(client, answer.json["refreshToken"])

    def test_without_a_time_of_issue_they_are_refused(
        self, client: FlaskClient, rules: TokenRules
    ) -> None:
        claims = self.earlier(rules, access_claims(factories.actor()))
        del claims["iat"]

        assert refused_as_access(client, jwt.encode(claims, rules.access_secret, "HS256"))


class TestClocks:
    """Hosts whose clocks differ, and tokens at the edges of their lifetime."""

    @pytest.mark.parametrize("skew", [timedelta(minutes=-10), timedelta(minutes=10)])
    def test_a_token_is_accepted_whatever_the_clock_of_the_host(
        self, client: FlaskClient, monkeypatch: pytest.MonkeyPatch, skew: timedelta
    ) -> None:
        freeze_clock(monkeypatch, datetime.now(UTC) + skew)
        user = factories.actor()
        tokens = client.post(
            f"{AUTH}/login", json={"email": user.email, "password": factories.PASSWORD}
        ).json
        assert not refused_as_access(client, tokens["accessToken"])
        assert not refused_as_refresh(client, tokens["refreshToken"])

    @pytest.mark.parametrize("seconds", [-600, 15 * 60 + 20])
    def test_a_token_has_a_leeway(
        self, client: FlaskClient, monkeypatch: pytest.MonkeyPatch, seconds: int
    ) -> None:
        token = factories.actor().token
        freeze_clock(monkeypatch, clock.now() + timedelta(seconds=seconds))
        assert not refused_as_access(client, token)

    def test_the_leeway_is_half_a_minute(
        self, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        token = factories.actor().token
        freeze_clock(monkeypatch, clock.now() + timedelta(minutes=15, seconds=40))
        assert refused_as_access(client, token)
