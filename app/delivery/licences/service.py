"""Licences as their merchants sell them: the terms of a product, and the licences it sold."""

from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy.orm import Session

from app.auth.models import User
from app.common import clock
from app.common.encryption import decrypt, encrypt, fingerprints
from app.common.ids import new_id
from app.common.pagination import Page, PageRequest
from app.delivery.licences import repository
from app.delivery.licences.errors import ProductHasNoLicences
from app.delivery.licences.keys import mask, new_key
from app.delivery.licences.models import MAX_ACTIVATIONS, Licence, LicenceStatus, LicenceTerms
from app.events import service as events
from app.events.catalogue.delivery import LicenceTermsChanged
from app.products import service as products
from app.products.models import ProductKind

#: Before every other id.
FIRST_ID: Final = UUID(int=0)
#: Machines on which a licence can be active at a time, unless its merchant sets another limit.
DEFAULT_ACTIVATION_LIMIT: Final = 3


def default_per_30_days(activation_limit: int | None) -> int | None:
    """Activations in 30 days, unless the merchant sets a limit: enough to replace every machine
    twice. Without a limit of machines none is needed."""
    return None if activation_limit is None else min(3 * activation_limit, MAX_ACTIVATIONS)


DEFAULT_PER_30_DAYS: Final = 3 * DEFAULT_ACTIVATION_LIMIT


@dataclass(frozen=True, slots=True)
class LicenceLimits:
    """As LicenceTerms. None for no limit."""

    activation_limit: int | None
    activations_per_30_days: int | None
    valid_days: int | None


@dataclass(frozen=True, slots=True)
class MaskedLicence:
    """A licence as its merchant sees it. masked: with four characters of its key."""

    licence: Licence
    masked: str
    status: LicenceStatus
    order_number: str


def list_licences(
    session: Session, page: PageRequest, *, merchant: User, product_id: UUID, **filters: Any
) -> Page[MaskedLicence]:
    """Licences of the merchant's product, newest first.

    filters: buyer_email, order_id, is_revoked. Raises ProductNotFound, UnauthorizedProductAccess.
    """
    products.require_own(session, merchant=merchant, product_id=product_id)
    found = repository.list_licences(session, page, product_id=product_id, **filters)
    return found.with_data(masked_licence(*row) for row in found.data)


def masked_licence(licence: Licence, order_number: str) -> MaskedLicence:
    """A licence as its merchant sees it. order_number: of its order."""
    return MaskedLicence(licence, mask(decrypt_key(licence)), status_of(licence), order_number)


def require_terms(session: Session, *, merchant: User, product_id: UUID) -> LicenceTerms:
    """The terms on which the next licence of the merchant's product is sold.

    Raises ProductNotFound, UnauthorizedProductAccess, ProductHasNoLicences.
    """
    require_licence_product(session, merchant=merchant, product_id=product_id)
    return repository.get_terms(session, product_id) or _default_terms(product_id)


def set_terms(
    session: Session, *, merchant: User, product_id: UUID, limits: LicenceLimits
) -> LicenceTerms:
    """Sell licences on these terms from now on. Existing licences do not change, unless a job is
    applying the terms to them: it then applies the new ones to all of them.

    Raises ProductNotFound, UnauthorizedProductAccess, ProductHasNoLicences.
    """
    require_licence_product(session, merchant=merchant, product_id=product_id)
    terms = require_terms_for_update(session, product_id)
    terms.activation_limit = limits.activation_limit
    terms.activations_per_30_days = limits.activations_per_30_days
    terms.valid_days = limits.valid_days
    terms.updated_at = clock.now()
    if terms.is_applying:
        terms.applying_after = FIRST_ID
    changed = LicenceTermsChanged.of(terms, aggregate_id=product_id, merchant_id=merchant.id)
    events.record(session, [changed])
    return terms


def require_terms_for_update(session: Session, product_id: UUID) -> LicenceTerms:
    """Lock the terms of a locked product, which are the default if it had none."""
    terms = repository.get_terms_for_update(session, product_id)
    return terms or repository.insert_terms(session, _default_terms(product_id))


def _default_terms(product_id: UUID) -> LicenceTerms:
    return LicenceTerms(
        product_id=product_id,
        activation_limit=DEFAULT_ACTIVATION_LIMIT,
        activations_per_30_days=DEFAULT_PER_30_DAYS,
        updated_at=clock.now(),
        applied=0,
    )


def require_licence_product(session: Session, *, merchant: User, product_id: UUID) -> None:
    """Lock the merchant's product of the kind LICENCE.

    Raises ProductNotFound, UnauthorizedProductAccess, ProductHasNoLicences.
    """
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


def new_key_row() -> dict[str, object]:
    """The id of a new licence, and its new key as the table has it."""
    licence_id, key = new_id(), new_key()
    return {
        "id": licence_id,
        "fingerprint": key_fingerprints(key)[0],
        "encrypted": encrypt(key.encode(), context=encryption_context(licence_id)),
    }


def key_fingerprints(key: str) -> list[bytes]:
    """What a licence is found by: one per encryption key, of which the first is stored."""
    return fingerprints(key.encode(), context="licence-key")


def decrypt_key(licence: Licence) -> str:
    """The licence key. Raises DecryptionFailed."""
    return decrypt(licence.encrypted, context=encryption_context(licence.id)).decode()


def encryption_context(licence_id: UUID) -> str:
    """What binds an encrypted key to its row."""
    return f"licence/{licence_id}"
