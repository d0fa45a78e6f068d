"""Licences as their merchants sell them: the terms of a product, and the licences it sold."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from app.auth.models import User
from app.common import clock
from app.common.encryption import decrypt, fingerprints
from app.common.pagination import Page, PageRequest
from app.delivery.licences import repository
from app.delivery.licences.errors import ProductHasNoLicences
from app.delivery.licences.keys import mask
from app.delivery.licences.models import Licence, LicenceStatus
from app.events import service as events
from app.events.catalogue.delivery import LicenceTermsChanged
from app.products import service as products
from app.products.models import ProductKind

#: Machines on which a licence can be active at a time, unless its merchant sets another limit.
DEFAULT_ACTIVATION_LIMIT: Final = 3


@dataclass(frozen=True, slots=True)
class LicenceLimits:
    """activation_limit: None for no limit. valid_days: from the sale; None for no expiry."""

    activation_limit: int | None = DEFAULT_ACTIVATION_LIMIT
    valid_days: int | None = None


@dataclass(frozen=True, slots=True)
class MaskedLicence:
    """A licence as its merchant sees it. masked: with four characters of its key."""

    licence: Licence
    masked: str
    status: LicenceStatus
    order_number: str


def list_licences(
    session: Session, page: PageRequest, *, merchant: User, product_id: UUID
) -> Page[MaskedLicence]:
    """Licences of the merchant's product, newest first.

    Raises ProductNotFound, UnauthorizedProductAccess.
    """
    products.require_own(session, merchant=merchant, product_id=product_id)
    found = repository.list_licences(session, page, product_id=product_id)
    return found.with_data(
        MaskedLicence(licence, mask(decrypt_key(licence)), status_of(licence), order_number)
        for licence, order_number in found.data
    )


def require_terms(session: Session, *, merchant: User, product_id: UUID) -> LicenceLimits:
    """The terms on which the next licence of the merchant's product is sold.

    Raises ProductNotFound, UnauthorizedProductAccess, ProductHasNoLicences.
    """
    _require_licence_product(session, merchant, product_id)
    terms = repository.get_terms(session, product_id)
    if terms is None:
        return LicenceLimits()
    return LicenceLimits(terms.activation_limit, terms.valid_days)


def set_terms(
    session: Session, *, merchant: User, product_id: UUID, limits: LicenceLimits
) -> LicenceLimits:
    """Sell licences on these terms from now on. Existing licences do not change.

    Raises ProductNotFound, UnauthorizedProductAccess, ProductHasNoLicences.
    """
    _require_licence_product(session, merchant, product_id)
    repository.save_terms(
        session,
        product_id=product_id,
        activation_limit=limits.activation_limit,
        valid_days=limits.valid_days,
        updated_at=clock.now(),
    )
    changed = LicenceTermsChanged(
        aggregate_id=product_id,
        activation_limit=limits.activation_limit,
        valid_days=limits.valid_days,
    )
    events.record(session, [changed])
    return limits


def _require_licence_product(session: Session, merchant: User, product_id: UUID) -> None:
    product = products.require_own(session, merchant=merchant, product_id=product_id)
    if product.kind != ProductKind.LICENCE:
        raise ProductHasNoLicences


def status_of(licence: Licence) -> LicenceStatus:
    """The status at this moment."""
    if licence.revoked_at is not None:
        return LicenceStatus.REVOKED
    if licence.expires_at is not None and licence.expires_at <= clock.now():
        return LicenceStatus.EXPIRED
    return LicenceStatus.ACTIVE


def key_fingerprints(key: str) -> list[bytes]:
    """What a licence is found by: one per encryption key, of which the first is stored."""
    return fingerprints(key.encode(), context="licence-key")


def decrypt_key(licence: Licence) -> str:
    """The licence key. Raises DecryptionFailed."""
    return decrypt(licence.encrypted, context=encryption_context(licence.id)).decode()


def encryption_context(licence_id: UUID) -> str:
    """What binds an encrypted key to its row."""
    return f"licence/{licence_id}"
