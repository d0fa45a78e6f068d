"""Schemas of users and wallets, as administrators see them."""

from typing import Final

import marshmallow as ma

from app.administration.accounts.service import MAX_MATCHES, UserState
from app.administration.schemas import id_filter
from app.auth.models import Role
from app.auth.schemas import SessionOut, TwoFactorStatusOut, UserOut
from app.auth.user_summaries import SHOP_NAME, UserSummaryOut
from app.common.csv_documents import CsvArgs
from app.common.fields import DayOrTime, Flag, MoneyOut, Schema, Text, Timestamp
from app.common.money import EXPONENTS
from app.common.pagination import SortablePageArgs, page_of
from app.common.time_range import TimeRangeArgs
from app.common.trigrams import NEWEST
from app.transfers.schemas import WalletNumber
from app.wallets.schemas import WalletOut

_LOCK_REASON: Final = {"description": "Why the wallet is locked; null if it is not"}


class _UserFilters(TimeRangeArgs):
    since = DayOrTime(
        data_key="from", metadata={"description": "Registered from this day or time on"}
    )
    until = DayOrTime(
        data_key="to", metadata={"description": "Registered before this day or time (exclusive)"}
    )
    q = Text(
        max_length=100,
        metadata={
            "description": "Part of the name, shop, email address or phone number, ignoring case,"
            " accents and what separates digits. The newest"
            f" {MAX_MATCHES:,} matches are found. A text"
            " without three letters of a to z or digits in a row is looked for among the newest"
            f" {NEWEST:,} users only",
            "example": "ada",
        },
    )
    role = ma.fields.String(
        validate=ma.validate.OneOf(list(Role)),
        metadata={"description": "Only users with this role"},
    )
    state = ma.fields.String(
        validate=ma.validate.OneOf(list(UserState)),
        metadata={"description": "Only active or deactivated users, or those with a locked wallet"},
    )


class UsersArgs(SortablePageArgs, _UserFilters):
    pass


class ExportUsersArgs(CsvArgs, _UserFilters):
    pass


class ListedUserOut(UserOut):
    shop_name = ma.fields.String(required=True, allow_none=True, metadata=SHOP_NAME)


ListedUserList = page_of(ListedUserOut)


class UserSessionOut(SessionOut):
    class Meta(SessionOut.Meta):
        exclude = ("current",)

    device_id = ma.fields.String(required=True, allow_none=True)


UserSessionList = page_of(UserSessionOut)


class UserWalletOut(WalletOut):
    lock_reason = ma.fields.String(required=True, allow_none=True, metadata=_LOCK_REASON)


class UserDetailOut(Schema):
    user = ma.fields.Nested(ListedUserOut, required=True)
    two_factor = ma.fields.Nested(
        TwoFactorStatusOut,
        required=True,
        metadata={"description": "Whether two-factor authentication is enabled"},
    )
    wallets = ma.fields.List(
        ma.fields.Nested(UserWalletOut),
        required=True,
        metadata={"description": "The user's wallets, one for each currency"},
    )
    quotas_url = ma.fields.String(
        required=True,
        metadata={
            "description": "Where to read and set the user's quotas",
            "example": "https://pay.example.com/api/v1/admin/users/"
            "01993c1e-7c1a-7b52-9f6e-2b8f0f6f7a11/quotas",
        },
    )
    limits_url = ma.fields.String(
        required=True,
        metadata={
            "description": "Where to read and set the user's limits",
            "example": "https://pay.example.com/api/v1/admin/users/"
            "01993c1e-7c1a-7b52-9f6e-2b8f0f6f7a11/limits",
        },
    )


class _WalletFilters(Schema):
    user_id = id_filter("Only wallets of this user")
    number = WalletNumber()
    is_locked = Flag(metadata={"description": "Only wallets that are locked, or that are not"})
    currency = ma.fields.String(
        validate=ma.validate.OneOf(list(EXPONENTS)),
        metadata={"description": "Only wallets in this currency"},
    )


class WalletsArgs(SortablePageArgs, _WalletFilters):
    pass


class ExportWalletsArgs(CsvArgs, _WalletFilters):
    pass


class ListedWalletOut(Schema):
    id = ma.fields.UUID(attribute="wallet.id", required=True)
    number = ma.fields.String(
        attribute="wallet.number", required=True, metadata={"example": "482109375516"}
    )
    user = ma.fields.Nested(UserSummaryOut, required=True)
    balance = MoneyOut(attribute="wallet.balance", required=True, metadata={"example": "100.00"})
    available = MoneyOut(
        attribute="wallet.available", required=True, metadata={"example": "100.00"}
    )
    held = MoneyOut(attribute="wallet.held", required=True, metadata={"example": "0.00"})
    currency = ma.fields.String(required=True, metadata={"example": "USD"})
    is_locked = ma.fields.Boolean(attribute="wallet.is_locked", required=True)
    lock_reason = ma.fields.String(
        attribute="wallet.lock_reason", required=True, allow_none=True, metadata=_LOCK_REASON
    )
    created_at = Timestamp(attribute="wallet.created_at", required=True)
    updated_at = Timestamp(attribute="wallet.updated_at", required=True)


ListedWalletList = page_of(ListedWalletOut)
