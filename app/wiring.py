"""Configures the modules of a process and connects their events.

Imports point down only. So a module receives its settings, and functions of modules above it, from
here: `configure` sets the value of a slot, `subscribe` adds a handler. Modules declare their slots
and hooks; `app.common.process_state` keeps the values.
"""

from datetime import timedelta
from functools import partial
from typing import Final

from redis import Redis

from app import models  # noqa: F401 – a row is inserted with the types of all tables it refers to
from app.administration.traffic import client as traffic
from app.auth import service as auth
from app.auth import tokens
from app.auth.api_keys import service as api_keys
from app.auth.quotas import service as quotas
from app.auth.quotas.quota import Quota
from app.auth.stream_tickets import service as stream_tickets
from app.banks import providers
from app.common import (
    cache,
    circuit,
    db,
    encryption,
    http,
    idempotent,
    process_state,
    queue,
    redis_client,
    replica,
    request_counts,
)
from app.common.database import Database
from app.common.replica import Replica
from app.common.settings import Settings
from app.coupons import service as coupons
from app.delivery import service as delivery
from app.delivery.codes import uploads as code_uploads
from app.delivery.files import service as files
from app.delivery.files.downloads import service as downloads
from app.delivery.files.uploads import service as file_uploads
from app.events.relay import monitoring as relay_monitoring
from app.events.relay import service as relay
from app.gateway import client as gateway_client
from app.gateway import provider_config
from app.gateway import service as gateway
from app.health import service as health
from app.idempotency.http import respond_to_view_once
from app.images import service as images
from app.inbox import service as inbox
from app.insights.analytics import periods
from app.insights.health import service as insights_health
from app.insights.objectives.objective import Objectives, objectives
from app.notifications import mail_config, page_links
from app.notifications import queue as mail_queue
from app.onramp import inbound as onramp_events
from app.onramp import links as onramp_links
from app.onramp import service as onramp
from app.orders.checkouts import service as checkouts
from app.orders.checkouts.http import respond_with_checkout
from app.orders.models import PaymentMethod
from app.orders.order_page import service as order_pages
from app.orders.purchases import endings as purchase_endings
from app.orders.purchases import http as purchases
from app.orders.purchases import reviewed as reviewed_purchases
from app.orders.purchases import service as orders
from app.orders.refunds import gateway_refunds
from app.payment_requests import service as payment_requests
from app.payment_requests.merchant_codes import service as merchant_codes
from app.payment_requests.merchant_codes.payment import CodePayment
from app.payment_requests.payment import RequestPayment
from app.payouts import endings as payout_endings
from app.payouts import inbound as payout_events
from app.payouts import reviewed as reviewed_payouts
from app.products import catalogue
from app.products import service as products
from app.products.images import service as product_images
from app.retention import service as retention
from app.retention.policy import RULES
from app.risk import past as past_attempts
from app.risk import rulesets as risk_rulesets
from app.risk import service as risk
from app.risk.cases import service as risk_cases
from app.risk.evaluation import MAX_SCORE, Parameters
from app.risk.models import PaymentKind
from app.storage import service as storage
from app.transfers.receipts import service as receipts
from app.transfers.service import NewTransfer
from app.wallets import service as wallets
from app.wallets import usage
from app.wallets.deposits import Withdrawal
from app.wallets.holds import service as holds
from app.wallets.holds.movements import NewHold
from app.wallets.models import TransactionType
from app.wallets.movements import http as movements
from app.wallets.movements.batcher import LedgerBatcher
from app.wallets.movements.reviewed import ReviewedMovements
from app.webhooks import addresses as webhook_addresses
from app.webhooks import monitoring as webhook_monitoring
from app.webhooks import service as webhooks

#: How each quota is counted.
QUOTA_COUNTS: Final[dict[Quota, quotas.Count]] = {
    Quota.PRODUCTS: products.count_products,
    Quota.COUPONS: coupons.count_coupons,
    Quota.CODES: code_uploads.count_codes,
    Quota.FILE_BYTES: storage.count_bytes,
    Quota.API_KEYS: api_keys.count_keys,
    Quota.WEBHOOK_ENDPOINTS: webhooks.count_endpoints,
    Quota.MERCHANT_CODES: merchant_codes.count_active_codes,
    Quota.PAYMENT_REQUESTS: payment_requests.count_open_requests,
    Quota.HOLDS: holds.count_active_holds,
}

#: What executes the payments that a review has released, or takes back those that it rejects.
_REVIEWED: Final[dict[PaymentKind, risk_cases.Executor]] = {
    PaymentKind.PURCHASE: reviewed_purchases,
    PaymentKind.PAYOUT: reviewed_payouts,
    PaymentKind.TRANSFER: ReviewedMovements(NewTransfer.restore, lambda sent: sent.transfer.id),
    PaymentKind.PAYMENT_REQUEST: ReviewedMovements(
        RequestPayment.restore, lambda sent: sent.transfer.id
    ),
    PaymentKind.MERCHANT_CODE: ReviewedMovements(
        CodePayment.restore, lambda sent: sent.transfer.id
    ),
    PaymentKind.HOLD: ReviewedMovements(NewHold.restore, lambda hold: hold.id),
    PaymentKind.WITHDRAWAL: ReviewedMovements(Withdrawal.restore, lambda moved: moved[1].id),
}

#: How long a page of the public catalogue is cached in Redis.
CATALOGUE_TTL = timedelta(seconds=60)

#: A job that is not enqueued waits for the next sweep, so this is worth more time than a cache.
_ENQUEUE_SECONDS = 0.25


def wire(settings: Settings) -> None:
    """Configure this process. Raises SettingsError, and changes nothing, if settings are
    invalid."""
    connect_database(settings)
    process_state.clear_subscriptions()
    http.settings.configure(settings)
    if settings.redis_url is not None:
        connect_redis(settings.redis_url, cache_url=settings.redis_cache_url)
    configure(settings)
    subscribe(settings)


def connect_database(settings: Settings) -> None:
    db.configure(Database.of(settings))
    url = settings.replica_database_url
    replica.current.configure(
        Replica(
            url,
            pool_size=settings.database_pool_size,
            max_lag=settings.replica_max_lag.total_seconds(),
        )
        if url is not None
        else None
    )


def connect_redis(url: str, *, cache_url: str | None = None) -> None:
    """Connect as the user of the queue, and of the cache. They share one circuit."""
    client = cache.client.configure(redis_client.connect(cache_url or url))
    circuit.configure(client)
    patient = redis_client.connect(
        url, timeout=_ENQUEUE_SECONDS, circuit=redis_client.circuit_of(client)
    )
    queue.configure(patient)
    stream_tickets.store.configure(patient)
    catalogue.catalogue_cache.configure(_region(client, "products", CATALOGUE_TTL))
    onramp_links.link_cache.configure(_region(client, "onramp-links", onramp_links.TTL))
    periods.sales_cache.configure(_region(client, "sales", periods.TTL))


def configure(settings: Settings) -> None:
    """Give each module its settings, and functions of modules above it."""
    idempotent.execute_once.configure(respond_to_view_once)
    encryption.configure(settings.encryption_secrets)
    tokens.token_rules.configure(tokens.TokenRules.of(settings))
    quotas.maximums.configure(
        {quota: getattr(settings, f"quota_{quota.lower()}") for quota in Quota}
    )
    providers.configure(providers.from_settings(settings))
    gateway_client.config.configure(provider_config.from_settings(settings))
    gateway.checkout_settings.configure(_checkout_settings(settings))
    mail_config.server.configure(mail_config.from_settings(settings))
    storage.current.configure(storage.from_settings(settings))
    storage.byte_counts.configure((files.count_bytes, images.count_bytes, file_uploads.count_bytes))
    downloads.policy.configure(
        downloads.DownloadPolicy(
            link_ttl=timedelta(minutes=settings.file_link_minutes),
            max_downloads=settings.downloads_per_order,
        )
    )
    webhook_addresses.rules.configure(
        webhook_addresses.AddressRules.of(
            requires_https=settings.is_production, allowed=settings.webhook_networks
        )
    )
    retention.periods.configure(_retention_periods(settings))
    relay.max_attempts.configure(settings.event_attempts)
    traffic.address.configure(settings.traffic_address)
    objectives.configure(Objectives.of(settings))
    request_counts.slow_after.configure(settings.slo_latency_ms)
    risk.four_eyes.configure(settings.risk_four_eyes)
    risk_cases.ttl.configure(settings.risk_review_ttl)
    risk_rulesets.parameters.configure(
        Parameters(
            review_above=settings.risk_review_above,
            review_score=int(settings.risk_review_score * MAX_SCORE),
            decline_score=int(settings.risk_decline_score * MAX_SCORE),
        )
    )
    movements.batcher.configure(LedgerBatcher())
    wallets.order_numbers.configure(orders.numbers_of)
    order_pages.payment_path.configure(merchant_codes.payment_path)


def subscribe(settings: Settings) -> None:
    """Subscribe handlers to events of modules that must not import them."""
    auth.on_registration.subscribe(
        partial(wallets.create_wallet, currency=settings.default_currency)
    )
    auth.on_account_change.subscribe(catalogue.invalidate_catalogue)
    wallets.on_lock_change.subscribe(catalogue.invalidate_catalogue)
    products.on_deletion.subscribe(delivery.discard)
    products.on_deletion.subscribe(product_images.discard)
    for quota, count in QUOTA_COUNTS.items():
        quotas.counts.subscribe(quota, count)
    usage.pending.subscribe(TransactionType.ONRAMP, onramp.query_pending)
    purchases.payment_handlers.subscribe(PaymentMethod.WALLET, purchases.respond_with_purchase)
    purchases.payment_handlers.subscribe(PaymentMethod.GATEWAY, respond_with_checkout)
    for kind, executor in _REVIEWED.items():
        risk_cases.executors.subscribe(kind, executor)
    past_attempts.endings.subscribe(PaymentKind.PURCHASE, purchase_endings.find_endings)
    past_attempts.endings.subscribe(PaymentKind.PAYOUT, payout_endings.find_endings)
    health.reports.subscribe("events", relay_monitoring.report)
    health.reports.subscribe("webhooks", webhook_monitoring.report)
    health.gauge_sources.subscribe("backups", insights_health.backup_gauges)
    if settings.redis_url is not None:
        health.gauge_sources.subscribe("jobs", queue.gauges)
    if settings.kafka_bootstrap_servers:
        health.reports.subscribe("kafka", partial(health.report_circuit, "kafka"))
    if settings.smtp_url is not None:
        health.reports.subscribe("mail", mail_queue.report)
    page_links.pages.subscribe("payment_request", payment_requests.page_of)
    page_links.pages.subscribe("transfer_sent", receipts.page_of)
    inbox.handlers.subscribe("payment", onramp_events)
    inbox.handlers.subscribe("payout", payout_events)
    inbox.handlers.subscribe("checkout", checkouts)
    inbox.handlers.subscribe("payment_intent", checkouts)
    inbox.handlers.subscribe("refund", gateway_refunds)


def _region(client: Redis, name: str, ttl: timedelta) -> cache.Region:
    return cache.Region(client, f"cache:{name}", ttl=int(ttl.total_seconds()))


def _retention_periods(settings: Settings) -> retention.Periods:
    """Refresh tokens are kept until they expire, and responses not longer than their keys."""
    by_setting = {rule.period: getattr(settings, rule.period) for rule in RULES}
    by_setting["retention_refresh_tokens"] = max(
        settings.retention_refresh_tokens, settings.jwt_refresh_expiration
    )
    return retention.Periods(by_setting)


def _checkout_settings(settings: Settings) -> gateway.CheckoutSettings:
    return gateway.CheckoutSettings(
        ttl=timedelta(minutes=settings.checkout_minutes),
        success_url=settings.checkout_success_url,
        cancel_url=settings.checkout_cancel_url,
        public_address=settings.public_address,
    )
