"""Sales as CSV, in chunks."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from app.common import csv_documents
from app.common.clock import format_timestamp
from app.common.money import format_minor
from app.sales.service import net_of

CSV_HEAD: Final = (
    "orderId",
    "createdAt",
    "completedAt",
    "status",
    "paymentMethod",
    "productId",
    "product",
    "buyerId",
    "buyerEmail",
    "quantity",
    "unitPrice",
    "discount",
    "couponCode",
    "amount",
    "fee",
    "refunded",
    "feeRefunded",
    "net",
    "refundedUnits",
    "currency",
)

CSV_EXAMPLE: Final = (
    ",".join(CSV_HEAD) + "\r\n"
    "01993c1e-7c1a-7b52-9f6e-2b8f0f6f7a12,2026-11-21T09:30:00.000Z,2026-11-21T09:30:00.000Z,"
    "COMPLETED,WALLET,01993c1e-7c1a-7b52-9f6e-2b8f0f6f7a11,Field Guide,"
    "01993c1e-7c1a-7b52-9f6e-2b8f0f6f7a13,ada@example.com,2,19.99,4.00,SPRING,35.98,0.90,"
    "17.99,0.45,17.54,1,USD\r\n"
)


def as_csv(chunks: Iterable[Sequence[Any]]) -> Iterator[bytes]:
    """CSV (RFC 4180) in UTF-8 with one row per order, encoded chunk by chunk."""
    return csv_documents.write_batches(CSV_HEAD, chunks, _line)


def _line(row: Any) -> tuple[Any, ...]:
    currency = row.currency
    return (
        row.id,
        format_timestamp(row.created_at),
        format_timestamp(row.completed_at),
        row.status,
        row.payment_method,
        row.product_id,
        csv_documents.escape_formula(row.product_name),
        row.user_id,
        csv_documents.escape_formula(row.buyer_email),
        row.quantity,
        format_minor(row.unit_price, currency),
        format_minor(row.discount, currency),
        csv_documents.escape_formula(row.coupon_code),
        format_minor(row.amount, currency),
        format_minor(row.fee, currency),
        format_minor(row.refunded_amount, currency),
        format_minor(row.refunded_fee, currency),
        format_minor(net_of(row), currency),
        row.refunded_units,
        currency,
    )
