"""Operators look at the models of risk, and let one decide, in a real browser."""

import pytest
from playwright.sync_api import Page, expect

from app.common.ids import new_id
from tests.browser import chromium, page
from tests.console.accessibility import check
from tests.console.accessibility import page as themed_page
from tests.console.helpers import Account, call, open_view, same_origin, server_of_module, sign_in
from tests.console.operators import execute, new_operator
from tests.live import LiveServer

__all__ = ["chromium", "page", "same_origin", "themed_page"]  # fixtures, found by their names

CONTENT = (
    '{"format": 1, "features": ["amount", "hour", "sumHour"], "base": 0,'
    ' "trees": [[[0, 5000, 1, 2, 0], [-1, 0, 0, 0, -5000000], [-1, 0, 0, 0, 5000000]]]}'
)
REPORT = (
    '{"learningAttempts": 5696, "learningBad": 204, "testAttempts": 2442, "testBad": 89,'
    ' "model": {"rocAuc": "0.9454", "precisionAt1Percent": "0.9167"},'
    ' "rules": {"rocAuc": "0.5544", "precisionAt1Percent": "0.4248"}}'
)

server = server_of_module("models")


@pytest.fixture(scope="module")
def admin(server: LiveServer) -> Account:
    return new_operator(server)


@pytest.fixture
def model_id(server: LiveServer, admin: Account) -> str:
    """A model with a rule in shadow, as the command that trains one leaves it."""
    execute(
        server,
        """
        INSERT INTO risk_models (id, version, content, checksum, report, starts_at, ends_at,
            created_at)
        SELECT :id, coalesce(max(version), 0) + 1, CAST(:content AS jsonb), repeat('a', 64),
            CAST(:report AS jsonb), now() - interval '180 days', now(), now()
        FROM risk_models
        """,
        id=(found := str(new_id())),
        content=CONTENT,
        report=REPORT,
    )
    condition = {"field": "modelScore", "model": found, "operator": ">=", "value": 9500}
    rule = {
        "key": "model",
        "name": "Score of a model",
        "description": None,
        "outcome": "REVIEW",
        "weight": "0",
        "conditions": {"all": [condition]},
    }
    rule_id = call(server, admin.token, "POST", "/admin/risk/rules", rule)["id"]
    call(server, admin.token, "POST", f"/admin/risk/rules/{rule_id}/shadow")
    return found


@pytest.mark.stress
def test_a_model_is_compared_with_the_rules_activated_and_retired(
    page: Page, server: LiveServer, admin: Account, model_id: str
) -> None:
    sign_in(page, server, admin, "/operator/rules/models", heading="Risk models")
    row = page.get_by_role("table", name="Risk models").locator("tbody tr").first
    for text in ("0.9454", "Rules: 0.5544", "91.67%", "Rules: 42.48%", "Shadow"):
        expect(row).to_contain_text(text)
    row.get_by_role("link").click()
    evaluation = page.get_by_role("region", name="How it was evaluated")
    expect(evaluation).to_contain_text("2,442 payments, 89 of them bad")
    expect(page.get_by_role("region", name="What it reads")).to_contain_text("Sum of an hour")

    state = page.get_by_role("region", name="State")
    expect(state).to_contain_text("It scores every payment, without effect.")
    state.get_by_role("button", name="Activate").click()
    page.get_by_role("dialog").get_by_role("button", name="Activate").click()
    expect(page.get_by_text("The rule is active.")).to_be_visible()
    expect(state).to_contain_text("A rule that reads its score decides")
    assert call(server, admin.token, "GET", f"/admin/risk/models/{model_id}")["status"] == "ACTIVE"

    state.get_by_role("button", name="Retire").click()
    page.get_by_role("dialog").get_by_role("button", name="Retire").click()
    expect(state).to_contain_text("No rule in force reads its score.")


@pytest.mark.stress
def test_its_views_are_accessible(
    themed_page: Page, server: LiveServer, admin: Account, model_id: str
) -> None:
    page = themed_page
    sign_in(page, server, admin, "/operator/rules/models", heading="Risk models")
    check(page)
    page.get_by_role("table", name="Risk models").get_by_role("link").first.click()
    expect(page.get_by_role("region", name="How it was evaluated")).to_be_visible()
    check(page)
    page.get_by_role("button", name="Activate").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    check(page)
    page.route(
        "**/admin/risk/models?*",
        lambda route: route.fulfill(json={"data": [], "meta": {"nextCursor": None}}),
    )
    open_view(page, server, "/operator/rules/models", heading="Risk models")
    expect(page.get_by_role("heading", name="No models yet")).to_be_visible()
    check(page)
