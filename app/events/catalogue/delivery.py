"""Files, codes and licences."""

from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from app.events.base import Event, OrderNumber, event

# Files


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductFileEvent(Event):
    merchant_id: UUID
    version: int


@event("product-file-uploaded", aggregate="product")
class ProductFileUploaded(ProductFileEvent):
    """A merchant uploaded the file of a product, or a new version of it."""

    size: Annotated[int, "bytes"]


@event("product-file-removed", aggregate="product")
class ProductFileRemoved(ProductFileEvent):
    """A merchant removed the file of a product."""


@event("file-downloaded", aggregate="order")
class FileDownloaded(Event):
    """A download link was used for the first time."""

    user_id: Annotated[UUID, "the buyer"]
    merchant_id: UUID
    product_id: UUID
    version: int
    download_id: UUID
    downloads_left: int


@event("downloads-reset", aggregate="order")
class DownloadsReset(Event):
    """A merchant reset the buyer's number of remaining downloads."""

    merchant_id: UUID
    product_id: UUID
    downloads_left: int


# Codes


@event("codes-uploaded", aggregate="code_upload")
class CodesUploaded(Event):
    """All codes of an upload are on sale, or its product was deleted (`FAILED`)."""

    product_id: UUID
    merchant_id: UUID
    status: Annotated[str, "`COMPLETED` or `FAILED`"]
    total: int
    added: int
    duplicates: int


@event("code-removed", aggregate="product_code")
class CodeRemoved(Event):
    """A merchant removed a code that had not been sold."""

    product_id: UUID
    merchant_id: UUID


@event("codes-revoked", aggregate="order")
class CodesRevoked(Event):
    """Codes of an order were revoked by a refund."""

    order_number: OrderNumber
    merchant_id: UUID
    product_id: UUID
    released: Annotated[int, "codes that the buyer had not seen and that are on sale again"]
    lost: Annotated[int, "codes that the buyer had seen, or the merchant had revoked"]


@event("code-revoked", aggregate="product_code")
class CodeRevoked(Event):
    """A merchant revoked a sold code without a refund."""

    merchant_id: UUID
    product_id: UUID
    order_id: UUID
    order_number: OrderNumber
    reason: str


@event("code-reissued", aggregate="product_code")
class CodeReissued(Event):
    """A merchant replaced a sold code by another one."""

    merchant_id: UUID
    product_id: UUID
    order_id: UUID
    order_number: OrderNumber
    replaced_by: Annotated[UUID, "the new code"]
    reason: str


# Licences


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivationEvent(Event):
    merchant_id: UUID
    product_id: UUID
    activations: Annotated[int, "active now"]


@event("licence-activated", aggregate="licence")
class LicenceActivated(ActivationEvent):
    """A licence was activated on a machine."""


@event("licence-deactivated", aggregate="licence")
class LicenceDeactivated(ActivationEvent):
    """A licence was deactivated on a machine."""


@event("licence-revoked", aggregate="licence")
class LicenceRevoked(Event):
    """A licence was revoked, by a refund or by its merchant."""

    merchant_id: UUID
    product_id: UUID
    order_id: UUID
    order_number: OrderNumber
    reason: Annotated[str | None, "the merchant's; null for a refund"]


@event("licence-reissued", aggregate="licence")
class LicenceReissued(Event):
    """A merchant replaced a licence by one with a new key."""

    merchant_id: UUID
    product_id: UUID
    order_id: UUID
    order_number: OrderNumber
    replaced_by: Annotated[UUID, "the new licence"]
    reason: str


@event("licence-limit-reached", aggregate="licence")
class LicenceLimitReached(Event):
    """An activation was refused because all machines are taken, for the first time in a day."""

    merchant_id: UUID
    product_id: UUID
    order_id: UUID
    order_number: OrderNumber
    activation_limit: int


@event("licence-terms-changed", aggregate="product")
class LicenceTermsChanged(Event):
    """A merchant changed the terms of licences sold from then on."""

    merchant_id: UUID
    activation_limit: Annotated[int | None, "null for no limit"]
    activations_per_30_days: Annotated[int | None, "null for no limit"]
    valid_days: Annotated[int | None, "null for licences that do not expire"]


@event("licence-terms-applied", aggregate="product")
class LicenceTermsApplied(Event):
    """All licences that were sold on other terms have the terms that their merchant had applied."""

    merchant_id: UUID
    applied: Annotated[int, "licences that were changed"]
