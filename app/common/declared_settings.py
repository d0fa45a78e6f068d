"""Every setting of the application, declared once; those of servers, of notifications and of the
web server are in files of their own."""
# ruff: noqa: RUF009 – setting() returns a field of the dataclass, not a default.

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Final

import marshmallow as ma
from marshmallow.validate import OneOf, Range

from app.common.env_fields import (
    CommaSeparated,
    Duration,
    Folder,
    MediaTypes,
    Networks,
    PublicUrl,
    ReturnUrl,
    optional_setting,
    setting,
)
from app.common.money import EXPONENTS, MAX_BPS
from app.common.server_settings import ServerSettings

_TEXT: Final = ma.fields.String()
_FLAG: Final = ma.fields.Boolean()
_PORT: Final = ma.fields.Integer(validate=Range(1, 65535))
_COUNT: Final = ma.fields.Integer(validate=Range(1))
_AMOUNT: Final = ma.fields.Decimal(validate=Range(0))

#: S3 copies an object of up to 5 GiB in one request, which is how a file gets its name.
_S3_MAX_COPY_BYTES: Final = 5 * 1024**3
_GENERATED: Final = "generated once and kept in `DATA_DIR`"


def _quota(default: str, of_what: str, *, section: str | None = None) -> int:
    return setting(_COUNT, default, f"Maximum number of {of_what}.", section=section)


@dataclass(frozen=True)
class DeclaredSettings(ServerSettings):
    """The settings, each read from the environment variable of its name in capitals.

    `.env.example` and the table in docs/operations.md are generated from them:
    `./flow settings --write`.
    """

    jwt_access_secret: str | None = optional_setting(
        _TEXT,
        "Signs access tokens.",
        unset=_GENERATED,
        section="Accounts and secrets",
        secret=True,
        required_in_production=True,
    )
    jwt_refresh_secret: str | None = optional_setting(
        _TEXT,
        "Signs refresh tokens; must differ from `JWT_ACCESS_SECRET`.",
        unset=_GENERATED,
        secret=True,
        required_in_production=True,
    )
    encryption_keys: tuple[str, ...] = setting(
        CommaSeparated(),
        "",
        "Keys that encrypt stored secrets, separated by commas: the first encrypts, all of them"
        " decrypt. To rotate, put a new key in front and keep the old ones.",
        unset=_GENERATED,
        secret=True,
        required_in_production=True,
    )
    jwt_access_expiration: timedelta = setting(
        Duration(),
        "15m",
        "Lifetime of an access token: seconds, or a number with `s`, `m`, `h` or `d`.",
    )
    jwt_refresh_expiration: timedelta = setting(
        Duration(), "7d", "Lifetime of a refresh token, and of a session that is not used."
    )
    session_expiration: timedelta = setting(
        Duration(), "30d", "How long after the sign-in a session ends, even if it is used."
    )
    bcrypt_rounds: int = setting(
        ma.fields.Integer(validate=Range(4, 16)),
        "12",
        "Cost of password hashing (bcrypt), 4 to 16. Each step doubles the time. After a change,"
        " each password is hashed anew at the next sign-in; until the last one is, every sign-in"
        " takes as long as the highest cost.",
    )
    admin_two_factor: bool | None = optional_setting(
        _FLAG,
        "Whether administrators need two-factor authentication, with a code for each change. Those"
        " who have enabled it need the codes in any case.",
        unset="`true` in production, which refuses `false`; elsewhere `false`",
    )
    phone_auto_registration: bool = setting(
        _FLAG,
        "false",
        "Whether `POST /auth/phone` creates an account for an unknown phone number. The ownership"
        " of the number is not verified.",
    )
    require_verified_handles: bool | None = optional_setting(
        _FLAG,
        "Whether an email address or phone number receives money only once its owner has verified"
        " it, and is free for others until then.",
        unset="`true` in production; elsewhere `false`",
    )

    default_currency: str = setting(
        ma.fields.String(validate=OneOf(list(EXPONENTS))),
        "USD",
        f"Currency of new wallets and products: {', '.join(EXPONENTS)}.",
        section="Money",
    )
    minimum_withdrawal: Decimal = setting(
        _AMOUNT, "1.00", "Minimum amount of a withdrawal, in units of the currency."
    )
    maximum_deposit: Decimal = setting(
        _AMOUNT, "10000.00", "Maximum amount of one direct deposit, in units of the currency."
    )
    maximum_onramp: Decimal = setting(
        _AMOUNT, "10000.00", "Maximum amount of one bank top-up, in units of the currency."
    )
    direct_deposits: bool | None = optional_setting(
        _FLAG,
        "Whether `POST /wallet/deposit` credits the wallet immediately.",
        unset="`true`, but `false` in production, which refuses `true`",
    )
    platform_fee_bps: int = setting(
        ma.fields.Integer(validate=Range(0, MAX_BPS)),
        "0",
        "Platform fee on each sale in basis points (hundredths of a percent), 0 to 10000.",
    )
    two_factor_above: Decimal = setting(
        _AMOUNT,
        "1000.00",
        "Sum, in units of the currency, above which money leaves a wallet only with a two-factor"
        " code: everything that left within 24 hours, and since the last code, without one.",
    )
    two_factor_new_payee: timedelta = setting(
        Duration(),
        "1h",
        "How long after the first payment to a user each further one requires a two-factor code,"
        " as the first does. Only for payers with two-factor authentication.",
    )
    two_factor_new_merchant_above: Decimal = setting(
        _AMOUNT,
        "100.00",
        "Sum, in units of the currency and counted as for `TWO_FACTOR_ABOVE`, up to which purchases"
        " from new merchants, and holds for them, require no code.",
    )
    two_factor_new_bank_account: timedelta = setting(
        Duration(),
        "24h",
        "How long a saved bank account is new: each payout to it requires a two-factor code, if"
        " the user has two-factor authentication.",
    )

    bank_providers: str | None = optional_setting(
        _TEXT,
        'Banks as a JSON list of `{"code", "name", "url", "keys"}`. Each key is `whsec_` and'
        " base64 of at least 32 bytes; the first signs, all of them verify.",
        unset="the banks of the simulator; in production none",
        section="Banks",
        secret=True,
    )
    bank_port: int = setting(
        _PORT,
        "3003",
        "Port of the bank simulator that `./flow up` starts when `BANK_PROVIDERS` is not set.",
    )

    stripe_secret_key: str | None = optional_setting(
        _TEXT,
        "Secret or restricted key of Stripe (`sk_…`, `rk_…`), in production a live one; `off`"
        " disables card payments.",
        unset="the key of the simulator; in production `off`",
        section="Card payments",
        secret=True,
    )
    stripe_webhook_secrets: str | None = optional_setting(
        _TEXT,
        "Signing secrets of Stripe's webhook endpoints (`whsec_…`), separated by commas: any of"
        " them may have signed. Required with `STRIPE_SECRET_KEY`.",
        secret=True,
    )
    stripe_api_base: str = setting(
        PublicUrl(),
        "https://api.stripe.com",
        "Address of Stripe's API. Another one is for simulators; production requires https.",
    )
    gateway_port: int = setting(
        _PORT,
        "3004",
        "Port of the Stripe simulator that `./flow up` starts when `STRIPE_SECRET_KEY` is not set.",
    )
    checkout_minutes: int = setting(
        # Stripe allows at most 24 hours, and we add a minute.
        ma.fields.Integer(validate=Range(1, 24 * 60 - 1)),
        "30",
        "Minutes that a buyer has to pay by card, while the order is reserved: 1 to 1439, with"
        " Stripe at least 30.",
    )
    checkout_success_url: str | None = optional_setting(
        ReturnUrl(),
        "Where the buyer's browser goes after paying; `{order}` stands for the order's ID.",
        unset="the order's page",
    )
    checkout_cancel_url: str | None = optional_setting(
        ReturnUrl(),
        "Where the buyer's browser goes when the buyer cancels; `{order}` stands for the order's"
        " ID.",
        unset="the order's page",
    )

    webhook_allowed_networks: tuple[str, ...] | None = optional_setting(
        Networks(),
        "Networks that webhooks may be sent to although they are not public, separated by commas.",
        unset="`127.0.0.0/8,::1/128`; in production none, which refuses any",
        section="Webhooks",
    )

    files_dir: Path | None = optional_setting(
        Folder(),
        "Folder of the files that merchants sell. Web processes and workers must share it.",
        unset="`files` in `DATA_DIR`",
        section="Files",
    )
    files_s3_bucket: str | None = optional_setting(
        _TEXT,
        "Bucket of S3 or an S3-compatible server that stores the files instead of a folder. boto3"
        " finds the credentials: `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`, or a role.",
    )
    files_s3_endpoint: str | None = optional_setting(
        ma.fields.Url(schemes={"http", "https"}, require_tld=False),
        "Address of the S3-compatible server: `https://…`. Requires `FILES_S3_BUCKET`.",
        unset="Amazon's",
    )
    files_s3_region: str | None = optional_setting(
        _TEXT, "Region of the bucket. Requires `FILES_S3_BUCKET`.", unset="as configured for boto3"
    )
    file_max_bytes: int = setting(
        ma.fields.Integer(validate=Range(1, _S3_MAX_COPY_BYTES)),
        "2147483648",
        f"Maximum size of a file in bytes, up to {_S3_MAX_COPY_BYTES} (5 GiB). Uploading 2 GiB over"
        " a slow connection occupies a thread for half an hour.",
    )
    file_types: tuple[str, ...] = setting(
        MediaTypes(),
        "",
        "Accepted media types, separated by commas, such as `application/zip,audio/*`.",
        unset="any except forms and web pages",
    )
    file_link_minutes: int = setting(
        ma.fields.Integer(validate=Range(1, 720)),
        "60",
        "Lifetime of a download link in minutes, 1 to 720.",
    )
    downloads_per_order: int = setting(
        ma.fields.Integer(validate=Range(1, 1_000_000)),
        "5",
        "How often the buyer of an order may download its file. A change applies to new orders"
        " only.",
    )

    quota_products: int = _quota("50000", "products of a merchant", section="Quotas")
    quota_coupons: int = _quota("10000", "coupons of a merchant")
    quota_codes: int = _quota("1000000", "unsold codes of a merchant, including received ones")
    quota_file_bytes: int = _quota(
        "53687091200",
        "bytes of all current files of a merchant (50 GiB); replaced and deleted ones, which are"
        " stored for another day, and unfinished uploads may take as much again",
    )
    quota_api_keys: int = _quota("20", "valid API keys of a merchant")
    quota_webhook_endpoints: int = _quota("10", "webhook endpoints of a merchant")
    quota_merchant_codes: int = _quota("1000", "active merchant codes of a merchant")
    quota_payment_requests: int = _quota("1000", "open payment requests of a user")
    quota_holds: int = _quota("1000", "active holds that a user has created")
