"""Two-factor authentication: enabling and disabling it, and its recovery codes."""

import re
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from uuid import uuid4
from xml.etree import ElementTree

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.audit.models import AuditRecord
from app.auth.models import RecoveryCode, Role, TwoFactor
from app.common import db
from tests import factories
from tests.auth.helpers import login
from tests.authenticator import (
    STEP,
    TWO_FACTOR,
    Authenticator,
    ManualClock,
    begin_setup,
    confirm,
    disable,
    enable_two_factor,
    renew_recovery_codes,
    request_setup,
    status,
)
from tests.factories import Actor
from tests.responses import refusal

OFF = {"enabled": False, "confirmedAt": None, "recoveryCodesLeft": 0}


@pytest.fixture
def user(client: FlaskClient) -> Actor:
    return factories.actor()


def audited(user: Actor) -> list[str]:
    with db.transaction() as session:
        records = session.scalars(
            select(AuditRecord).where(AuditRecord.target_id == user.id).order_by(AuditRecord.id)
        )
        return [record.action for record in records]


class TestBeginning:
    def test_the_secret_is_returned_as_text_as_a_link_and_as_a_qr_code(
        self, client: FlaskClient, user: Actor
    ) -> None:
        answer = request_setup(client, user)

        assert answer.status_code == 201
        assert list(answer.json) == ["secret", "otpauthUri", "qrSvg"]
        assert re.fullmatch("[A-Z2-7]{32}", answer.json["secret"])
        link = urlsplit(answer.json["otpauthUri"])
        assert (link.scheme, link.netloc) == ("otpauth", "totp")
        assert unquote(link.path) == f"/Payment Flow:{user.email}"
        assert parse_qs(link.query) == {
            "secret": [answer.json["secret"]],
            "issuer": ["Payment Flow"],
        }
        kind, _, picture = answer.json["qrSvg"].partition(",")
        assert kind == "data:image/svg+xml;charset=utf-8"
        assert ElementTree.fromstring(unquote(picture)).tag.endswith("svg")

    def test_an_account_without_an_email_is_labelled_with_its_phone_number(
        self, client: FlaskClient, change_settings: Any
    ) -> None:
        change_settings(phone_auto_registration=True)
        credentials = {"phone": "+14155550100", "password": factories.PASSWORD}
        token = client.post("/api/v1/auth/phone", json=credentials).json["accessToken"]

        answer = client.post(
            TWO_FACTOR,
            json={"password": factories.PASSWORD},
            headers={"Authorization": f"Bearer {token}"},
        )

        assert "+14155550100" in unquote(answer.json["otpauthUri"])

    def test_the_password_is_required(self, client: FlaskClient, user: Actor) -> None:
        answer = request_setup(client, user, password="correct-horse-2")

        assert refusal(answer) == (401, "INVALID_CREDENTIALS")

    def test_two_factor_is_disabled_until_the_first_code(
        self, client: FlaskClient, user: Actor
    ) -> None:
        assert status(client, user) == OFF
        request_setup(client, user)
        assert status(client, user) == OFF

    def test_beginning_again_replaces_the_secret(
        self, client: FlaskClient, user: Actor, totp_clock: ManualClock
    ) -> None:
        first, second = (
            begin_setup(client, user, totp_clock),
            begin_setup(client, user, totp_clock),
        )

        assert refusal(confirm(client, user, first.code())) == (400, "TWO_FACTOR_CODE_WRONG")
        assert confirm(client, user, second.code()).status_code == 200

    def test_the_secret_is_stored_encrypted(
        self, client: FlaskClient, user: Actor, totp_clock: ManualClock
    ) -> None:
        secret = begin_setup(client, user, totp_clock).secret

        with db.transaction() as session:
            factor = session.get_one(TwoFactor, user.id)
        assert secret.encode() not in factor.secret

    def test_guessing_the_password_is_limited(self, rate_limited: Flask) -> None:
        client, user = rate_limited.test_client(), factories.actor()

        answers = [request_setup(client, user, password="wrong-password") for _ in range(11)]

        assert [answer.status_code for answer in answers] == [401] * 10 + [429]


class TestConfirming:
    def test_two_factor_is_enabled_with_ten_recovery_codes(
        self, client: FlaskClient, user: Actor, totp_clock: ManualClock
    ) -> None:
        app = begin_setup(client, user, totp_clock)

        answer = confirm(client, user, app.code())

        assert answer.status_code == 200
        codes = answer.json["recoveryCodes"]
        assert len(set(codes)) == 10
        assert all(re.fullmatch("[A-Z2-7]{4}(-[A-Z2-7]{4}){3}", code) for code in codes)
        assert status(client, user) == {
            "enabled": True,
            "confirmedAt": "2026-11-21T09:30:00.000Z",
            "recoveryCodesLeft": 10,
        }
        assert audited(user) == ["two-factor.enable"]

    def test_recovery_codes_are_stored_as_hashes(
        self, client: FlaskClient, user: Actor, totp_clock: ManualClock
    ) -> None:
        codes = enable_two_factor(client, user, totp_clock).recovery_codes

        with db.transaction() as session:
            rows = session.scalars(select(RecoveryCode).where(RecoveryCode.user_id == user.id))
            hashes = [row.code_hash for row in rows]
        assert [len(code_hash) for code_hash in hashes] == [32] * 10
        stored = b"".join(hashes)
        assert not any(code[:4].encode() in stored for code in codes)

    @pytest.mark.parametrize("seconds", [-STEP, 0, STEP])
    def test_the_clock_of_the_app_may_differ_by_one_step(
        self, client: FlaskClient, user: Actor, totp_clock: ManualClock, seconds: int
    ) -> None:
        app = begin_setup(client, user, totp_clock)

        assert confirm(client, user, app.code(seconds=seconds)).status_code == 200

    @pytest.mark.parametrize("seconds", [-2 * STEP, 2 * STEP, 24 * 60 * STEP])
    def test_a_code_two_steps_away_is_refused(
        self, client: FlaskClient, user: Actor, totp_clock: ManualClock, seconds: int
    ) -> None:
        app = begin_setup(client, user, totp_clock)

        answer = confirm(client, user, app.code(seconds=seconds))

        assert refusal(answer) == (400, "TWO_FACTOR_CODE_WRONG")
        assert status(client, user) == OFF

    def test_a_wrong_code_does_not_enable_two_factor(
        self, client: FlaskClient, user: Actor, totp_clock: ManualClock
    ) -> None:
        app = begin_setup(client, user, totp_clock)

        answer = confirm(client, user, app.wrong_code())

        assert refusal(answer) == (400, "TWO_FACTOR_CODE_WRONG")
        assert status(client, user) == OFF
        assert confirm(client, user, app.code()).status_code == 200

    def test_without_a_pending_setup_confirming_is_refused(
        self, client: FlaskClient, user: Actor, totp_clock: ManualClock
    ) -> None:
        assert refusal(confirm(client, user, "492039")) == (409, "TWO_FACTOR_NOT_PENDING")
        app = enable_two_factor(client, user, totp_clock)
        assert refusal(confirm(client, user, app.code())) == (409, "TWO_FACTOR_NOT_PENDING")

    def test_while_enabled_a_new_setup_is_refused(
        self, client: FlaskClient, user: Actor, totp_clock: ManualClock
    ) -> None:
        app = enable_two_factor(client, user, totp_clock)

        assert refusal(request_setup(client, user)) == (409, "TWO_FACTOR_ALREADY_ENABLED")
        assert renew_recovery_codes(client, user, app.code()).status_code == 200

    @pytest.mark.parametrize(
        "code",
        [
            "",
            "12345",
            "1234567",
            "12345a",
            "AAAA-BBBB-CCCC",
            "AAAA-BBBB-CCCC-DDD1",
            492039,
            None,
            ["492039"],
        ],
    )
    def test_a_malformed_code_is_a_validation_error(
        self, client: FlaskClient, user: Actor, code: Any
    ) -> None:
        answer = confirm(client, user, code)

        assert refusal(answer) == (400, "VALIDATION_ERROR")
        assert list(answer.json["details"]) == ["code"]

    def test_signing_in_requires_no_code(
        self, client: FlaskClient, user: Actor, totp_clock: ManualClock
    ) -> None:
        enable_two_factor(client, user, totp_clock)

        assert login(client, user.email).status_code == 200


class TestDisabling:
    def test_disabling_requires_the_password_and_a_code(
        self, client: FlaskClient, user: Actor, totp_clock: ManualClock
    ) -> None:
        app = enable_two_factor(client, user, totp_clock)

        wrong_password = disable(client, user, app.code(), password="correct-horse-2")
        wrong_code = disable(client, user, app.wrong_code())

        assert refusal(wrong_password) == (401, "INVALID_CREDENTIALS")
        assert refusal(wrong_code) == (400, "TWO_FACTOR_CODE_WRONG")
        assert status(client, user)["enabled"]
        assert disable(client, user, app.code()).status_code == 204
        assert status(client, user) == OFF
        assert audited(user) == ["two-factor.enable", "two-factor.disable"]

    def test_a_recovery_code_is_accepted_instead(
        self, client: FlaskClient, user: Actor, totp_clock: ManualClock
    ) -> None:
        app = enable_two_factor(client, user, totp_clock)

        assert disable(client, user, app.recovery_codes[3]).status_code == 204
        assert audited(user)[1:] == ["two-factor.use-recovery-code", "two-factor.disable"]

    def test_the_code_that_enabled_two_factor_cannot_disable_it(
        self, client: FlaskClient, user: Actor, totp_clock: ManualClock
    ) -> None:
        app = begin_setup(client, user, totp_clock)
        confirm(client, user, app.code())

        assert refusal(disable(client, user, app.code())) == (400, "TWO_FACTOR_CODE_WRONG")

    def test_while_not_enabled_disabling_is_refused(
        self, client: FlaskClient, user: Actor, totp_clock: ManualClock
    ) -> None:
        assert refusal(disable(client, user, "492039")) == (409, "TWO_FACTOR_NOT_ENABLED")
        app = begin_setup(client, user, totp_clock)
        assert refusal(disable(client, user, app.code())) == (409, "TWO_FACTOR_NOT_ENABLED")

    def test_after_enabling_again_old_codes_are_refused(
        self, client: FlaskClient, user: Actor, totp_clock: ManualClock
    ) -> None:
        old = enable_two_factor(client, user, totp_clock)
        disable(client, user, old.code())
        new = enable_two_factor(client, user, totp_clock)

        for code in (old.code(), *old.recovery_codes[:2]):
            assert refusal(renew_recovery_codes(client, user, code)) == (
                400,
                "TWO_FACTOR_CODE_WRONG",
            )
        assert renew_recovery_codes(client, user, new.code()).status_code == 200


class TestRecoveryCodes:
    def test_new_codes_replace_the_old_ones(
        self, client: FlaskClient, user: Actor, totp_clock: ManualClock
    ) -> None:
        app = enable_two_factor(client, user, totp_clock)

        answer = renew_recovery_codes(client, user, app.code())

        assert answer.status_code == 200
        new = answer.json["recoveryCodes"]
        assert len({*new, *app.recovery_codes}) == 20
        assert status(client, user)["recoveryCodesLeft"] == 10
        old = renew_recovery_codes(client, user, app.recovery_codes[0])
        assert refusal(old) == (400, "TWO_FACTOR_CODE_WRONG")
        assert renew_recovery_codes(client, user, new[0]).status_code == 200

    @pytest.mark.parametrize("spelling", [str.lower, lambda code: code.replace("-", "")])
    def test_codes_are_accepted_without_hyphens_and_in_lower_case(
        self, client: FlaskClient, user: Actor, totp_clock: ManualClock, spelling: Any
    ) -> None:
        app = enable_two_factor(client, user, totp_clock)

        assert (
            renew_recovery_codes(client, user, spelling(app.recovery_codes[0])).status_code == 200
        )

    def test_recovery_codes_of_another_user_are_refused(
        self, client: FlaskClient, user: Actor, totp_clock: ManualClock
    ) -> None:
        theirs = enable_two_factor(client, factories.actor(), totp_clock)
        enable_two_factor(client, user, totp_clock)

        answer = renew_recovery_codes(client, user, theirs.recovery_codes[0])

        assert refusal(answer) == (400, "TWO_FACTOR_CODE_WRONG")

    def test_without_two_factor_there_are_no_recovery_codes(
        self, client: FlaskClient, user: Actor
    ) -> None:
        assert refusal(renew_recovery_codes(client, user, "492039")) == (
            409,
            "TWO_FACTOR_NOT_ENABLED",
        )


class TestReset:
    def reset(self, client: FlaskClient, user_id: Any, by: Actor) -> Any:
        return client.post(
            f"/api/v1/admin/users/{user_id}/reset-two-factor",
            json={"reason": "Lost phone and paper; passport seen"},
            headers=by.headers,
        )

    def test_an_administrator_can_reset_two_factor(
        self, client: FlaskClient, user: Actor, totp_clock: ManualClock
    ) -> None:
        enable_two_factor(client, user, totp_clock)
        admin = factories.admin()

        assert self.reset(client, user.id, admin).status_code == 204

        assert status(client, user) == OFF
        with db.transaction() as session:
            record = session.scalars(
                select(AuditRecord).where(AuditRecord.action == "two-factor.reset")
            ).one()
        assert (record.actor_id, record.target_id) == (admin.id, user.id)
        assert record.reason == "Lost phone and paper; passport seen"

    @pytest.mark.parametrize("role", [Role.USER, Role.MERCHANT])
    def test_only_an_administrator_can_reset_two_factor(
        self, client: FlaskClient, user: Actor, totp_clock: ManualClock, role: Role
    ) -> None:
        enable_two_factor(client, user, totp_clock)

        assert refusal(self.reset(client, user.id, factories.actor(role))) == (403, "FORBIDDEN")
        assert status(client, user)["enabled"]

    def test_without_two_factor_or_user_a_reset_is_refused(
        self, client: FlaskClient, user: Actor
    ) -> None:
        admin = factories.admin()

        assert refusal(self.reset(client, user.id, admin)) == (409, "TWO_FACTOR_NOT_ENABLED")
        assert refusal(self.reset(client, uuid4(), admin)) == (404, "USER_NOT_FOUND")


def test_guesses_of_codes_are_limited_across_all_endpoints(
    rate_limited: Flask, totp_clock: ManualClock
) -> None:
    client, user, other = rate_limited.test_client(), factories.actor(), factories.actor()
    app = Authenticator(request_setup(client, user).json["secret"], totp_clock)
    wrong = app.wrong_code()

    answers = [
        confirm(client, user, wrong),
        confirm(client, user, wrong),
        disable(client, user, wrong),
        renew_recovery_codes(client, user, wrong),
        confirm(client, user, wrong),
        confirm(client, user, app.code()),
    ]

    assert [answer.status_code for answer in answers] == [400, 400, 409, 409, 400, 429]
    assert refusal(confirm(client, other, "492039")) == (409, "TWO_FACTOR_NOT_PENDING")
    assert status(client, user) == OFF
