"""What production refuses: settings that are convenient in development and dangerous with money."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import pairwise
from typing import Final
from urllib.parse import urlsplit

from app.common.web_settings import WebSettings

#: Minimum length of each secret that production requires.
SECRET_MIN_LENGTH: Final = 32
#: A random secret of 32 hexadecimal digits has fewer distinct ones once in ten million times.
_MIN_DISTINCT: Final = 8
_PLACEHOLDERS: Final = ("change", "example", "password", "secret", "your-", "your_", "insecure")

_MIN_BCRYPT_ROUNDS: Final = 10
#: Shortest and longest value of each duration.
LIFETIMES: Final = {
    "jwt_access_expiration": (timedelta(minutes=1), timedelta(hours=1)),
    "jwt_refresh_expiration": (timedelta(hours=1), timedelta(days=30)),
    "session_expiration": (timedelta(hours=1), timedelta(days=90)),
    "two_factor_new_payee": (timedelta(minutes=10), timedelta(days=30)),
    "two_factor_new_bank_account": (timedelta(hours=1), timedelta(days=30)),
    "retention_responses": (timedelta(days=1), timedelta(days=90)),
    "retention_idempotency_keys": (timedelta(days=7), timedelta(days=3650)),
    "retention_events": (timedelta(days=1), timedelta(days=3650)),
    "retention_refresh_tokens": (timedelta(days=1), timedelta(days=3650)),
    "retention_sessions": (timedelta(days=1), timedelta(days=3650)),
    "retention_notifications": (timedelta(days=7), timedelta(days=3650)),
    "retention_messages": (timedelta(days=7), timedelta(days=3650)),
    "retention_webhook_deliveries": (timedelta(days=7), timedelta(days=3650)),
    "retention_feed": (timedelta(days=7), timedelta(days=3650)),
    "slo_window": (timedelta(days=7), timedelta(days=90)),
    "risk_review_ttl": (timedelta(hours=1), timedelta(days=30)),
    "retention_risk": (timedelta(days=31), timedelta(days=3650)),
    "retention_audit": (timedelta(days=365), timedelta(days=3650)),
    "retention_inbound_events": (timedelta(days=30), timedelta(days=3650)),
}


def problems(settings: WebSettings) -> Iterator[str]:
    """Why these settings are not allowed in production: one sentence for each reason."""
    if settings.direct_deposits:
        yield "DIRECT_DEPOSITS must be off in production, where money comes from banks."
    if settings.admin_two_factor is False:
        yield "ADMIN_TWO_FACTOR must be on in production: administrators move other people's money."
    if not settings.ratelimit_enabled:
        yield "RATELIMIT_ENABLED must be on in production: it slows down guessing of passwords."
    if settings.bcrypt_rounds < _MIN_BCRYPT_ROUNDS:
        yield f"BCRYPT_ROUNDS must be at least {_MIN_BCRYPT_ROUNDS} in production."
    if settings.webhook_allowed_networks:
        yield "WEBHOOK_ALLOWED_NETWORKS must be empty in production: merchants choose addresses."
    if settings.public_url is None:
        yield "PUBLIC_URL must be set in production: links and QR codes begin with it."
    for name in ("public_url", "checkout_success_url", "checkout_cancel_url"):
        if (getattr(settings, name) or "https:").lower().startswith("http:"):
            yield f"{name.upper()} must begin with https in production."
    yield from _mail(settings)
    yield from _lifetimes(settings)
    yield from _secrets(settings)
    if problem := role_problem(settings):
        yield problem


def _mail(settings: WebSettings) -> Iterator[str]:
    if settings.smtp_url is None:
        return
    if settings.smtp_url.endswith("tls=off"):
        yield "SMTP_URL must use TLS in production: mails contain goods and links."
    if settings.mail_from.endswith("@localhost"):
        yield "MAIL_FROM must be an address of your domain in production."


def _lifetimes(settings: WebSettings) -> Iterator[str]:
    for name, (shortest, longest) in LIFETIMES.items():
        if not shortest <= getattr(settings, name) <= longest:
            yield (
                f"{name.upper()} must be between {_spoken(shortest)} and {_spoken(longest)}"
                " in production."
            )
    if settings.jwt_refresh_expiration <= settings.jwt_access_expiration:
        yield "JWT_REFRESH_EXPIRATION must be longer than JWT_ACCESS_EXPIRATION."
    if settings.slo_window > settings.retention_feed:
        yield "SLO_WINDOW must not be longer than RETENTION_FEED, which requests are counted for."


def _spoken(duration: timedelta) -> str:
    for unit, name in ((86400, "d"), (3600, "h"), (60, "m")):
        if duration.total_seconds() >= unit:
            return f"{duration.total_seconds() / unit:g}{name}"
    return f"{duration.total_seconds():g}s"


def _secrets(settings: WebSettings) -> Iterator[str]:
    seen: dict[str, str] = {}
    for name, secrets in (
        ("JWT_ACCESS_SECRET", (settings.jwt_access_secret or "",)),
        ("JWT_REFRESH_SECRET", (settings.jwt_refresh_secret or "",)),
        ("ENCRYPTION_KEYS", settings.encryption_keys or ("",)),
        ("METRICS_TOKEN", (settings.metrics_token,) if settings.metrics_token else ()),
    ):
        for secret in secrets:
            if secret and (other := seen.setdefault(secret, name)) != name:
                yield f"{other} and {name} must differ."
            if name != "METRICS_TOKEN" and len(secret) < SECRET_MIN_LENGTH:
                each = " each" if name == "ENCRYPTION_KEYS" else ""
                yield (
                    f"{name} must be set in production"
                    f" ({SECRET_MIN_LENGTH} characters or more{each})."
                )
            elif is_patterned(secret):
                yield f"{name} must be random in production, such as from `openssl rand -hex 32`."
        if len(set(secrets)) < len(secrets):
            yield f"{name} must not contain the same key twice."


def is_patterned(secret: str) -> bool:
    """Whether a secret is evidently not random: it repeats itself, counts up or is a placeholder.

    Random secrets pass, even short ones of hexadecimal digits; no test finds every bad one.
    """
    lower = secret.lower()
    steps: Sequence[int] = [ord(b) - ord(a) for a, b in pairwise(lower)]
    return (
        len(set(lower)) < min(_MIN_DISTINCT, len(lower) // 2)
        or lower in (lower + lower)[1:-1]
        or sum(step in (-1, 0, 1) for step in steps) > len(steps) * 2 // 3
        or any(word in lower for word in _PLACEHOLDERS)
    )


def role_problem(settings: WebSettings) -> str | None:
    """Why the roles of the database URLs are not allowed in production; None if they are."""
    app, owner = settings.database_url, settings.migration_database_url
    if app and owner and urlsplit(app).username == urlsplit(owner).username:
        return (
            "MIGRATION_DATABASE_URL must name another role than DATABASE_URL in production:"
            " the application must not own its tables."
        )
    return None
