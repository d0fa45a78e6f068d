"""How long the rows of every table are kept."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Rule:
    """Rows whose age exceeds a setting are deleted, or one column of them is cleared.

    period: the name of the setting; column: a time, or an id (UUID version 7), with an index;
    where: which of these rows, in SQL; clear: the column that becomes NULL instead; is_in_use:
    whether transactions lock the rows, so that those which are locked wait for the next run.
    Where nothing is ever changed, there is no privilege to lock them.
    """

    table: str
    period: str
    column: str
    where: str = "true"
    clear: str | None = None
    is_in_use: bool = True


#: In this order: refresh tokens refer to sessions.
RULES: Final = (
    # A stored error had no effect, so its key is free again.
    Rule(
        "idempotency_keys",
        "retention_responses",
        "created_at",
        where="body IS NOT NULL AND status >= 400",
    ),
    # The fingerprint stays, so that the key of a success cannot be used for another request.
    Rule(
        "idempotency_keys",
        "retention_responses",
        "created_at",
        where="body IS NOT NULL AND status < 400",
        clear="body",
    ),
    Rule(
        "idempotency_keys",
        "retention_idempotency_keys",
        "created_at",
        where="body IS NULL",
    ),
    Rule(
        "outbox_events",
        "retention_events",
        "id",
        where="NOT EXISTS (SELECT FROM event_sinks s WHERE s.position < outbox_events.sequence)"
        " AND NOT EXISTS (SELECT FROM held_events h WHERE h.event_id = outbox_events.id)",
        is_in_use=False,
    ),
    # Like a key: a message that is delivered later than that has its effect again.
    Rule("received_messages", "retention_idempotency_keys", "received_at", is_in_use=False),
    # The token of a deleted row has expired.
    Rule("refresh_tokens", "retention_refresh_tokens", "id"),
    # An API key keeps its session, which has its revocation.
    Rule(
        "login_sessions",
        "retention_sessions",
        "expires_at",
        where="kind = 'LOGIN' AND NOT EXISTS ("
        "SELECT FROM refresh_tokens r WHERE r.session_id = login_sessions.id)",
    ),
    Rule(
        "webhook_deliveries",
        "retention_webhook_deliveries",
        "finished_at",
        where="finished_at IS NOT NULL",
    ),
    Rule(
        "webhook_replays",
        "retention_webhook_deliveries",
        "id",
        where="queued_at IS NOT NULL AND NOT EXISTS ("
        "SELECT FROM webhook_deliveries d WHERE d.replay_id = webhook_replays.id)",
    ),
    # A deleted endpoint is kept until its deliveries are gone.
    Rule(
        "webhook_endpoints",
        "retention_webhook_deliveries",
        "deleted_at",
        where="deleted_at IS NOT NULL AND NOT EXISTS ("
        "SELECT FROM webhook_deliveries d WHERE d.endpoint_id = webhook_endpoints.id)"
        " AND NOT EXISTS ("
        "SELECT FROM webhook_replays r WHERE r.endpoint_id = webhook_endpoints.id)",
    ),
    # Budgets that have been full for so long, like those without a row.
    Rule("attempt_budgets", "retention_responses", "full_at"),
    # An upload is over after a day.
    Rule("file_uploads", "retention_responses", "id"),
    # Links are valid for half an hour.
    Rule("password_resets", "retention_responses", "id"),
    # The links that are valid longest are so for as long as this may be at least.
    Rule(
        "handle_verifications",
        "retention_messages",
        "id",
        where="processed_at IS NOT NULL",
    ),
    Rule("notifications", "retention_notifications", "id"),
    # Objectives are about a window that is not longer.
    Rule("request_minutes", "retention_feed", "starts_at"),
    Rule("request_hours", "retention_feed", "starts_at"),
    # A transaction stays as long as the sums of its minute, which `verify` compares with it. The
    # newest ones stay, so that it can tell whether others are missing.
    Rule(
        "transaction_minutes",
        "retention_feed",
        "starts_at",
        where="starts_at < (SELECT max(starts_at) FROM transaction_minutes)",
    ),
    Rule(
        "feed_transactions",
        "retention_feed",
        "occurred_at",
        where="NOT EXISTS (SELECT FROM transaction_minutes m"
        " WHERE m.starts_at <= feed_transactions.occurred_at)",
        is_in_use=False,
    ),
    # What is not sent yet stays.
    Rule(
        "outgoing_messages",
        "retention_messages",
        "id",
        where="status IN ('SENT', 'MERGED', 'FAILED')",
    ),
    # Cases keep the decision that asked for them.
    Rule(
        "risk_decisions",
        "retention_risk",
        "id",
        where="NOT EXISTS (SELECT FROM risk_cases c WHERE c.decision_id = risk_decisions.id)",
        is_in_use=False,
    ),
    # Not what `verify` compares with the books, nor what a trigger keeps.
    Rule(
        "audit_log",
        "retention_audit",
        "id",
        where="created_at <= now() - interval '365 days'"
        " AND action NOT IN ('inbound-event.retry', 'limit.remove', 'refund.settle')",
        is_in_use=False,
    ),
    Rule("risk_backtests", "retention_risk", "id", where="status = 'COMPLETED'"),
    # The event that settled an on-ramp is the evidence for its credit.
    Rule(
        "inbound_events",
        "retention_inbound_events",
        "id",
        where="status <> 'RECEIVED' AND NOT EXISTS ("
        "SELECT FROM onramps o WHERE o.settled_by = inbound_events.id)",
    ),
)

_REVIEWED: Final = "what administrators have set up or decided, to which decisions refer"
_BOOKS: Final = "the books: append-only, and every balance follows from all of them"
_TRADE: Final = "records of a trade or payment, to which postings refer"
_OWN: Final = "what a user has set up; limited by what users do by hand"

#: Why the rows of the other tables are never deleted by age.
KEPT: Final = {
    "journal_entries": _BOOKS,
    "wallet_transactions": _BOOKS,
    "wallets": "one or a few rows per user",
    "payees": "one row per user and user whom they have paid",
    "wallet_limits": "one row per role or user, type, window and currency",
    "wallet_holds": _TRADE,
    "orders": _TRADE,
    "giveaways": "orders refer to them",
    "checkouts": "one row per order paid at the gateway, deleted with none",
    "order_page_addresses": _TRADE,
    "refunds": _TRADE,
    "refund_requests": _TRADE,
    "summed_days": "one row per day",
    "daily_sales": "at most one row per product, currency and day with sales or refunds",
    "buyer_days": "at most two rows per order",
    "quarter_hour_sales": "at most two rows per order or refund",
    "daily_buyers": "at most one row per row of buyer_days",
    "feed_users": "one row per user who has moved money",
    "readiness_hours": "one row per hour",
    "transaction_days": "one row per day and currency",
    "transfers": _TRADE,
    "risk_rules": _REVIEWED,
    "risk_rulesets": _REVIEWED,
    "risk_models": _REVIEWED,
    "risk_list_entries": "limited in number; administrators delete them",
    "risk_cases": _TRADE,
    "risk_case_notes": _REVIEWED,
    "receipt_addresses": _TRADE,
    "payment_requests": _TRADE,
    "merchant_codes": "printed codes stay valid until their merchant deactivates them",
    "onramps": _TRADE,
    "payouts": _TRADE,
    "bank_accounts": "payouts refer to them",
    "users": "wallets, orders and the audit log refer to them",
    "user_quotas": "at most one row per user and quota",
    "two_factors": "one row per user",
    "recovery_codes": "ten rows per user",
    "api_keys": _OWN,
    "notification_preferences": "at most three rows per user and kind of notification",
    "webhook_secrets": "at most five per endpoint; they are deleted when they have expired",
    "webhook_attempts": "deleted with their delivery",
    "products": "orders refer to them",
    "categories": "what administrators have set up; products refer to them",
    "product_images": "at most eight rows per product",
    "shop_logos": "at most one row per merchant",
    "images": "what products and shops show; limited by quota and by what users do by hand",
    "image_sizes": "at most three rows per image",
    "restocks": "append-only: the stock follows from all of them",
    "coupons": "orders refer to them",
    "coupon_uses": "at most one row per order",
    "product_codes": "the goods themselves; buyers may read theirs at any time",
    "code_uploads": "one row per uploaded file, which merchants can list",
    "code_upload_chunks": "a queue: each row is deleted when its codes are on sale",
    "licence_terms": "one row per product",
    "licences": "the goods themselves",
    "licence_activations": "who used a licence, which its merchant can list",
    "product_files": "versions of files, which orders refer to",
    "file_contents": "unreferenced contents are deleted by their own job after a day",
    "file_upload_parts": "deleted with their upload",
    "file_deliveries": "at most one row per order",
    "file_downloads": "bounded by the downloads that an order allows",
    "event_counts": "at most one row per record with events",
    "event_sinks": "one row per sink",
    "held_events": "each row is deleted when its sink receives the event, or an administrator skips"
    " it; those who operate the system are told of parked ones",
    "verifications": "append-only; one row per run of `verify`",
    "backups": "append-only; one row per backup",
    "money_gate": "always empty",
}
