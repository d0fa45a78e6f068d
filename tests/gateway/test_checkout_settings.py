"""Expiry and return pages of checkout sessions."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

from flask.testing import FlaskClient

from app.common import clock
from app.gateway import service


class TestCheckoutSettings:
    def test_a_session_expires_a_minute_after_the_configured_duration(
        self, client: FlaskClient
    ) -> None:
        remaining = service.new_session_expiry() - clock.now()
        assert timedelta(minutes=30, seconds=58) < remaining <= timedelta(minutes=31)

    def test_the_payer_returns_to_our_pages_unless_others_are_configured(
        self, client: FlaskClient, configure: Callable[..., None]
    ) -> None:
        order = UUID("01993c1e-7c1a-7b52-9f6e-2b8f0f6f7a11")
        page = "http://localhost:3000/orders/token"
        assert service.return_urls(order, page=page) == (page, f"{page}?outcome=cancelled")
        ours = service.CheckoutSettings(
            timedelta(minutes=30), "https://a/{order}/x", "https://a/cart", "https://here"
        )
        configure(service.checkout_settings, ours)
        urls = (f"https://a/{order}/x", "https://a/cart")
        assert service.return_urls(order, page=page) == urls

    def test_our_return_pages_contain_no_personal_data(self, client: FlaskClient) -> None:
        paid_page = client.get("/checkout/return?order=<script>alert(1)</script>")
        cancelled = client.get("/checkout/return?outcome=cancelled")

        assert (paid_page.status_code, "Thank you" in paid_page.text) == (200, True)
        assert "script" not in paid_page.text
        assert (cancelled.status_code, "You have not paid" in cancelled.text) == (200, True)
        for page in (paid_page, cancelled):
            assert page.headers["Content-Security-Policy"].startswith("default-src 'none'")
            assert page.headers["Cache-Control"] == "no-store"
        for name in ("checkout.css", "icon.svg"):
            with client.get(f"/checkout/assets/{name}") as asset:
                assert asset.status_code == 200
        assert client.get("/checkout/assets/../page_views.py").status_code == 404
