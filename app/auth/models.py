"""Users, sessions, refresh tokens, API keys and two-factor secrets."""

from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from sqlalchemy import ARRAY, CheckConstraint, ForeignKey, Index, String, literal_column, text
from sqlalchemy.orm import Mapped, mapped_column

from app.common.columns import Created, Identified, Timestamped, known_values, mutable
from app.common.db import Base


class Role(StrEnum):
    USER = "USER"
    MERCHANT = "MERCHANT"
    ADMIN = "ADMIN"


class SessionKind(StrEnum):
    LOGIN = "LOGIN"
    API_KEY = "API_KEY"


#: SQL expression: the cost of a user's bcrypt hash, in two digits.
HASH_COST: Final = "substr(password_hash, 5, 2)"
#: SQL expression: what a search for users looks at, without accents and case. It is computed, not
#: stored: administrators search rarely, and every request reads users.
SEARCHED: Final = "user_search_text(first_name, last_name, shop_name, email, phone)"


class User(Identified, Timestamped, Base):
    __tablename__ = "users"
    __table_args__ = (
        known_values("role", Role),
        CheckConstraint("(email IS NULL) = (email_key IS NULL)", name="email_has_key"),
        CheckConstraint(
            "(email IS NOT NULL OR email_verified_at IS NULL)"
            " AND (phone IS NOT NULL OR phone_verified_at IS NULL)",
            name="verified_is_there",
        ),
        CheckConstraint(r"phone ~ '^\+[1-9][0-9]{1,14}$'", name="phone_e164"),
        CheckConstraint("fee_bps BETWEEN 0 AND 10000", name="fee_bps_within"),
        CheckConstraint("low_stock_units >= 0", name="low_stock_not_negative"),
        CheckConstraint(
            "role = 'MERCHANT' OR num_nonnulls(shop_name, support_email) = 0",
            name="shop_of_merchant",
        ),
        # The catalogue leaves out the products of these few.
        Index("ix_users_deactivated", "id", postgresql_where=text("NOT is_active")),
        # A sign-in takes as long as the highest cost, whatever account it is for.
        Index("ix_users_password_cost", text(HASH_COST)),
        # For administrators.
        Index("ix_users_role", "role", "id"),
        Index(
            "ix_users_search",
            literal_column(SEARCHED).label("searched"),
            postgresql_using="gin",
            postgresql_ops={"searched": "gin_trgm_ops"},
        ),
        mutable(
            "email",
            "email_key",
            "email_verified_at",
            "phone",
            "phone_verified_at",
            "password_hash",
            "first_name",
            "last_name",
            "email_public",
            "is_active",
            "fee_bps",
            "shop_name",
            "support_email",
            "time_zone",
            "locale",
            "low_stock_units",
            "goods_in_mail",
            "last_login_at",
            "updated_at",
        ),
    )

    #: None in an account that was created with a phone number, or that has lost its address to
    #: the owner (app.auth.handles). An account with neither address nor number signs in by its ID.
    email: Mapped[str | None]
    #: The email address in lower case, which must be unique.
    email_key: Mapped[str | None] = mapped_column(unique=True)
    #: When the user proved to receive mails at `email`.
    email_verified_at: Mapped[datetime | None]
    #: In E.164.
    phone: Mapped[str | None] = mapped_column(unique=True)
    #: When the user proved to receive text messages at `phone`.
    phone_verified_at: Mapped[datetime | None]
    password_hash: Mapped[str]
    role: Mapped[str]
    first_name: Mapped[str | None]
    last_name: Mapped[str | None]
    email_public: Mapped[bool] = mapped_column(default=False)
    is_active: Mapped[bool] = mapped_column(default=True)
    #: Platform fee on the merchant's sales in basis points; None: the default.
    fee_bps: Mapped[int | None]
    #: The name under which a merchant sells, which everyone sees instead of the person's.
    shop_name: Mapped[str | None]
    #: Where buyers of a merchant get help.
    support_email: Mapped[str | None]
    #: IANA name of the user's time zone; the reports of a merchant have its days.
    time_zone: Mapped[str] = mapped_column(default="UTC", server_default="UTC")
    #: How amounts and dates are written for the user (app.common.locales).
    locale: Mapped[str] = mapped_column(default="en", server_default="en")
    #: The merchant is notified when so few units of a product are left; 0: never.
    low_stock_units: Mapped[int] = mapped_column(default=5, server_default="5")
    #: Whether mails to buyers contain the goods of this merchant, or only a link to them.
    goods_in_mail: Mapped[bool] = mapped_column(default=True, server_default="true")
    last_login_at: Mapped[datetime | None]


class LoginSession(Identified, Created, Base):
    """The session of a sign-in on a device, with its family of refresh tokens.

    A session of kind API_KEY belongs to an API key and has no refresh tokens.
    """

    __tablename__ = "login_sessions"
    __table_args__ = (
        known_values("kind", SessionKind),
        Index("ix_login_sessions_expired", "expires_at", postgresql_where=text("kind = 'LOGIN'")),
        mutable("last_used_at", "expires_at", "revoked_at", "revoked_because", deleted=True),
    )

    kind: Mapped[str] = mapped_column(default=SessionKind.LOGIN, server_default=SessionKind.LOGIN)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), index=True)
    user_agent: Mapped[str | None]
    #: Of the cookie by which the device is recognised; None for API keys.
    device_id: Mapped[str | None]
    address: Mapped[str | None]
    last_used_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    revoked_because: Mapped[str | None]


#: SQL condition: session `s` of user `u` is valid at `%(now)s`. For statements that check the
#: session along with other work. `repository.get_user_of_session` has the same rule.
SESSION_IS_VALID: Final = "u.is_active AND s.revoked_at IS NULL AND s.expires_at > %(now)s"


class ApiKey(Created, Base):
    """An API key. Only its hash is stored. Its session has the revocation.

    A trigger refuses all changes except to the time of last use.
    """

    __tablename__ = "api_keys"
    __table_args__ = (
        Index("ix_api_keys_user_id", "user_id", "id"),
        CheckConstraint("cardinality(scopes) > 0", name="may_do_something"),
        CheckConstraint("octet_length(key_hash) = 32", name="key_is_hashed"),
        CheckConstraint("expires_at > created_at", name="expires_later"),
        mutable("last_used_at"),
    )

    #: The ID of its session.
    id: Mapped[UUID] = mapped_column(ForeignKey("login_sessions.id"), primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    name: Mapped[str]
    #: The first characters of the key, by which users recognise it.
    prefix: Mapped[str]
    #: SHA-256 of the key.
    key_hash: Mapped[bytes] = mapped_column(unique=True)
    scopes: Mapped[list[str]] = mapped_column(ARRAY(String))
    #: Accurate to the minute.
    last_used_at: Mapped[datetime | None]
    #: None: it does not expire.
    expires_at: Mapped[datetime | None]


class RefreshToken(Identified, Created, Base):
    """A refresh token. Its id is the `jti` claim; the token itself is not stored."""

    __tablename__ = "refresh_tokens"
    __table_args__ = (
        Index(
            "uq_refresh_tokens_live",
            "session_id",
            unique=True,
            postgresql_where=text("used_at IS NULL"),
        ),
        mutable("used_at", deleted=True),
    )

    session_id: Mapped[UUID] = mapped_column(ForeignKey("login_sessions.id"), index=True)
    used_at: Mapped[datetime | None]


class TwoFactor(Created, Base):
    """A user's two-factor secret: pending until the first correct code, then enabled."""

    __tablename__ = "two_factors"
    __table_args__ = (
        CheckConstraint("(confirmed_at IS NULL) = (last_step IS NULL)", name="confirmed_by_a_code"),
        mutable("secret", "created_at", "confirmed_at", "last_step", "last_used_at", deleted=True),
    )

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), primary_key=True)
    #: Shared with the authenticator app; encrypted (app.common.encryption).
    secret: Mapped[bytes]
    #: Time step of the last accepted code; only codes of later steps are accepted.
    last_step: Mapped[int | None]
    confirmed_at: Mapped[datetime | None]
    #: When a code of the app or a recovery code was last accepted.
    last_used_at: Mapped[datetime | None]


class RecoveryCode(Base):
    """A recovery code, valid once. Only its hash is stored."""

    __tablename__ = "recovery_codes"
    __table_args__ = (mutable("used_at", deleted=True),)

    user_id: Mapped[UUID] = mapped_column(
        ForeignKey("two_factors.user_id", ondelete="CASCADE"), primary_key=True
    )
    code_hash: Mapped[bytes] = mapped_column(primary_key=True)
    used_at: Mapped[datetime | None]
