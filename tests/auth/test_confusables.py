"""Email addresses that look like another one."""

import pytest
from flask.testing import FlaskClient

from app.auth.confusables import is_confusable
from app.auth.email_addresses import canonical_email
from tests import factories
from tests.auth.handles.helpers import change_email
from tests.auth.helpers import AUTH, bearer, register
from tests.responses import error_body

CONFUSABLE = {
    "Cyrillic a": "\u0430lice@example.com",
    "Cyrillic a in the domain": "alice@ex\u0430mple.com",
    "whole word in Cyrillic that looks Latin": "\u0430\u0440\u0435@example.com",
    "domain in Cyrillic that looks Latin": "alice@\u0430\u0440\u0440\u04cf\u0435.com",
    "the same as Punycode": "alice@xn--80ak6aa92e.com",
    "Greek omicron": "b\u03bfb@example.com",
    "Greek word that looks Latin": "\u03bd\u03cc@example.com",
    "Armenian o": "b\u0585b@example.com",
    "dotless i": "al\u0131ce@example.com",
    "Latin alpha": "\u0251lice@example.com",
    "full width": "\uff41lice@example.com",
    "ligature": "\ufb01sh@example.com",
    "combining dot": "i\u0307an@example.com",
    "Cherokee": "\u13aalice@example.com",
    "Lisu": "\ua4eelice@example.com",
    "other digits": "alice\u0663@example.com",
    "Latin and Han": "ab\u7528\u6237@example.com",
}
FINE = {
    "alice.o'neil+tag_2@example.com",
    "josé.müller@straße.example",
    "łukasz@example.com",
    "иван@example.com",
    "иван@почта.рф",
    "γιάννης@παράδειγμα.ελ",
    "用户@例え.jp",
    "日本語テスト@例え.jp",
    "김@한국.kr",
    "संपर्क@example.test",
    "אבי@דוגמה.קום",
    "مثال@example.com",
}


@pytest.mark.parametrize("address", CONFUSABLE.values(), ids=CONFUSABLE)
def test_an_address_that_looks_like_another_is_refused(client: FlaskClient, address: str) -> None:
    user = factories.actor()

    answers = [register(client, email=address), change_email(client, user, address)]

    for answer, field in zip(answers, ("email", "newEmail"), strict=True):
        body = error_body(answer)
        assert (answer.status_code, list(body["details"])) == (400, [field])
        assert "letters" in body["details"][field][0]


@pytest.mark.parametrize("address", sorted(FINE))
def test_an_address_in_one_script_is_fine(address: str) -> None:
    canonical = canonical_email(address)

    assert canonical is not None
    assert not is_confusable(canonical)


def test_the_profile_refuses_it_too(client: FlaskClient) -> None:
    token = register(client).json["accessToken"]

    answer = client.patch(
        f"{AUTH}/me", json={"email": CONFUSABLE["Cyrillic a"]}, headers=bearer(token)
    )

    assert answer.status_code == 400
