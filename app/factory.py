"""Creates the Flask application: extensions, blueprints and error handlers."""

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from app import VERSION, models  # noqa: F401 – every table is known before the first query
from app.administration.accounts.views import admin_blp as accounts_admin_blp
from app.administration.audit_log.views import admin_blp as audit_admin_blp
from app.administration.banking.views import admin_blp as banking_admin_blp
from app.administration.events.views import admin_blp as events_admin_blp
from app.administration.orders.views import admin_blp as orders_admin_blp
from app.administration.traffic.views import admin_blp as traffic_admin_blp
from app.auth import http as auth_http
from app.auth.api_keys import service as api_keys
from app.auth.api_keys.views import blp as api_keys_blp
from app.auth.guard import KEY_SCHEME, TOKEN_SCHEME
from app.auth.handles.views import blp as handles_blp
from app.auth.handles.views import page_blp as verification_page_blp
from app.auth.password_changes.views import blp as passwords_blp
from app.auth.password_changes.views import page_blp as password_page_blp
from app.auth.quotas.views import admin_blp as quotas_admin_blp
from app.auth.quotas.views import blp as quotas_blp
from app.auth.stream_tickets.views import blp as stream_tickets_blp
from app.auth.tokens import token_rules
from app.auth.two_factor.views import blp as two_factor_blp
from app.auth.views import admin_blp as users_admin_blp
from app.auth.views import blp as auth_blp
from app.banks import guard as banks_guard
from app.banks.views import blp as banks_blp
from app.common import (
    error_handlers,
    fields,
    http,
    logging,
    openapi,
    ratelimit,
    replica,
)
from app.common.settings import PRODUCT_NAME, Settings, load_settings
from app.console.views import blp as console_blp
from app.coupons.views import blp as coupons_blp
from app.delivery.views import BLUEPRINTS as DELIVERY_BLUEPRINTS
from app.docs.views import blp as docs_blp
from app.docs.views import root_blp as docs_root_blp
from app.events.views import blp as events_blp
from app.events.views import docs_blp as async_api_blp
from app.gateway import guard as gateway_guard
from app.gateway.page_views import blp as checkout_blp
from app.gateway.views import blp as gateway_blp
from app.giveaways.claim_page.views import page_blp as claim_page_blp
from app.giveaways.views import blp as giveaways_blp
from app.health.views import blp as health_blp
from app.health.views import metrics_blp
from app.images.views import blp as images_blp
from app.insights.analytics.views import blp as sales_insights_blp
from app.insights.views import admin_blp as insights_admin_blp
from app.insights.views import blp as insights_blp
from app.notifications.views import blp as notifications_blp
from app.notifications.views import page_blp as unsubscribe_page_blp
from app.onramp.views import blp as onramp_blp
from app.orders.checkouts.views import blp as checkouts_blp
from app.orders.fees.views import blp as fees_blp
from app.orders.order_page.views import blp as order_pages_blp
from app.orders.order_page.views import page_blp as order_page_blp
from app.orders.purchases.views import blp as orders_blp
from app.orders.refund_requests.views import blp as refund_requests_blp
from app.orders.refunds.views import admin_blp as refunds_admin_blp
from app.orders.refunds.views import blp as refunds_blp
from app.payment_requests.merchant_codes.views import blp as merchant_codes_blp
from app.payment_requests.payment_page.views import blp as pay_blp
from app.payment_requests.views import blp as payment_requests_blp
from app.payouts.bank_accounts.views import blp as bank_accounts_blp
from app.payouts.views import blp as payouts_blp
from app.products.bulk.views import blp as products_bulk_blp
from app.products.categories.views import admin_blp as categories_admin_blp
from app.products.categories.views import blp as categories_blp
from app.products.images.views import blp as product_images_blp
from app.products.views import blp as products_blp
from app.reconciliation.views import admin_blp as reconciliation_blp
from app.risk.backtests.views import admin_blp as risk_backtests_admin_blp
from app.risk.cases.views import admin_blp as risk_cases_admin_blp
from app.risk.cases.views import blp as reviews_blp
from app.risk.learning.views import admin_blp as risk_models_admin_blp
from app.risk.views import admin_blp as risk_admin_blp
from app.sales.views import blp as sales_blp
from app.shops.views import blp as shops_blp
from app.statements.views import blp as statements_blp
from app.transfers.receipts.views import blp as receipts_blp
from app.transfers.receipts.views import page_blp as receipt_page_blp
from app.transfers.views import blp as transfers_blp
from app.wallets.holds.views import blp as holds_blp
from app.wallets.views import admin_blp as wallets_admin_blp
from app.wallets.views import blp as wallets_blp
from app.webhooks.views import blp as webhook_endpoints_blp
from app.webhooks.views import keys_blp as webhook_keys_blp
from app.wiring import wire

BLUEPRINTS = (
    auth_blp,
    passwords_blp,
    handles_blp,
    two_factor_blp,
    api_keys_blp,
    stream_tickets_blp,
    quotas_blp,
    wallets_blp,
    holds_blp,
    reviews_blp,
    statements_blp,
    products_blp,
    products_bulk_blp,
    shops_blp,
    product_images_blp,
    images_blp,
    categories_blp,
    coupons_blp,
    *DELIVERY_BLUEPRINTS,
    orders_blp,
    order_pages_blp,
    giveaways_blp,
    sales_blp,
    checkouts_blp,
    refunds_blp,
    refund_requests_blp,
    transfers_blp,
    receipts_blp,
    payment_requests_blp,
    merchant_codes_blp,
    onramp_blp,
    banks_blp,
    gateway_blp,
    events_blp,
    bank_accounts_blp,
    payouts_blp,
    notifications_blp,
    webhook_endpoints_blp,
    insights_blp,
    sales_insights_blp,
    accounts_admin_blp,
    users_admin_blp,
    quotas_admin_blp,
    wallets_admin_blp,
    categories_admin_blp,
    risk_admin_blp,
    risk_backtests_admin_blp,
    risk_models_admin_blp,
    risk_cases_admin_blp,
    fees_blp,
    orders_admin_blp,
    refunds_admin_blp,
    banking_admin_blp,
    events_admin_blp,
    traffic_admin_blp,
    reconciliation_blp,
    insights_admin_blp,
    audit_admin_blp,
)


def create_app(settings: Settings | None = None) -> Flask:
    """The web application. Raises SettingsError if the configuration is invalid."""
    settings = settings or load_settings()
    logging.configure(settings.log_level)
    app = Flask("app", static_folder=None, template_folder="common/templates")

    wire(settings)
    for webhooks in (banks_guard, gateway_guard):
        webhooks.initialize_counters()

    http.install(app, cors_origins=settings.cors_origins)
    ratelimit.install(app, settings)
    auth_http.install(app, token_rules())
    if replica.current() is not None:
        replica.install(app)
    register_api(app, settings)
    app.register_blueprint(docs_root_blp)
    app.register_blueprint(docs_blp)
    app.register_blueprint(async_api_blp)
    app.register_blueprint(console_blp)
    app.register_blueprint(pay_blp)
    app.register_blueprint(order_page_blp)
    app.register_blueprint(claim_page_blp)
    app.register_blueprint(receipt_page_blp)
    app.register_blueprint(checkout_blp)
    app.register_blueprint(unsubscribe_page_blp)
    app.register_blueprint(password_page_blp)
    app.register_blueprint(verification_page_blp)
    app.register_blueprint(webhook_keys_blp)
    app.register_blueprint(health_blp)
    app.register_blueprint(metrics_blp)
    error_handlers.install(app)
    if hops := settings.trusted_proxies:  # outermost: it sets the client's address and the scheme
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops)  # type: ignore[method-assign]
    return app


def register_api(app: Flask, settings: Settings) -> None:
    """Register the blueprints of the API, and what the OpenAPI document says about all of them."""
    app.config.update(
        API_TITLE=PRODUCT_NAME,
        API_VERSION=VERSION,
        OPENAPI_VERSION="3.1.0",
        OPENAPI_URL_PREFIX=None,
    )
    api = openapi.Api()
    api.ERROR_SCHEMA = http.ErrorOut
    api.init_app(app, spec_kwargs={"info": {"description": DESCRIPTION}})
    for field, (kind, form) in fields.OPENAPI_TYPES.items():
        api.register_field(field, kind, form)
    for name, scheme in SECURITY_SCHEMES.items():
        api.spec.components.security_scheme(name, scheme)
    for blueprint in BLUEPRINTS:
        api.register_blueprint(blueprint, url_prefix=settings.api_prefix + blueprint.url_prefix)


SECURITY_SCHEMES = {
    TOKEN_SCHEME: {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "The `accessToken` of a signed-in user.",
    },
    KEY_SCHEME: {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": api_keys.PATTERN,
        "description": "An API key of a merchant's server, created by `POST /auth/api-keys`."
        " Accepted where the operation lists `apiKeyAuth` and the key has the scope in"
        f" `x-required-scope`. Keys match `{api_keys.PATTERN}`: `pf_live_` in production,"
        " `pf_test_` elsewhere. A key works only in the environment where it was created.",
    },
}

DESCRIPTION = """
REST API for wallets and digital goods.

To try it out, sign in as one of the demo accounts that `./flow up` prints, or register a MERCHANT
and a USER, create a product, deposit money and buy. Paste the `accessToken` of a user, or a
merchant's API key, into **Authorize**; it survives a reload.

* Amounts are decimal strings in responses, and decimal strings or numbers in requests. They are
  exact in both directions.
* `Idempotency-Key` makes every request that creates or changes something safe to retry.
* All errors have the same body: `statusCode`, `error` (a stable code), `message`, `details`,
  `timestamp`, `path`, `method`, `requestId`.
"""
