"""Every table of the application, for Alembic and tests."""

from app.audit.models import AuditRecord
from app.auth.models import ApiKey, LoginSession, RecoveryCode, RefreshToken, TwoFactor, User
from app.common.db import Base
from app.coupons.models import Coupon, CouponUse
from app.delivery.codes.models import CodeUpload, CodeUploadChunk, ProductCode
from app.delivery.files.models import FileContent, FileDelivery, FileDownload, ProductFile
from app.delivery.licences.models import Licence, LicenceActivation, LicenceTerms
from app.events.models import OutboxEvent
from app.idempotency.models import IdempotencyKey
from app.inbox.models import InboundEvent
from app.ledger_lock.models import LEDGER_LOCK
from app.onramp.models import Onramp
from app.orders.models import Checkout, Order, Refund, RefundRequest
from app.payment_requests.models import MerchantCode, PaymentRequest
from app.payouts.bank_accounts.models import BankAccount
from app.payouts.models import Payout
from app.products.models import Product, Restock
from app.transfers.models import Transfer
from app.wallets.models import (
    JournalEntry,
    Wallet,
    WalletHold,
    WalletLimit,
    WalletTransaction,
)

__all__ = [
    "LEDGER_LOCK",
    "ApiKey",
    "AuditRecord",
    "BankAccount",
    "Base",
    "Checkout",
    "CodeUpload",
    "CodeUploadChunk",
    "Coupon",
    "CouponUse",
    "FileContent",
    "FileDelivery",
    "FileDownload",
    "IdempotencyKey",
    "InboundEvent",
    "JournalEntry",
    "Licence",
    "LicenceActivation",
    "LicenceTerms",
    "LoginSession",
    "MerchantCode",
    "Onramp",
    "Order",
    "OutboxEvent",
    "PaymentRequest",
    "Payout",
    "Product",
    "ProductCode",
    "ProductFile",
    "RecoveryCode",
    "RefreshToken",
    "Refund",
    "RefundRequest",
    "Restock",
    "Transfer",
    "TwoFactor",
    "User",
    "Wallet",
    "WalletHold",
    "WalletLimit",
    "WalletTransaction",
]
