"""Sold licences: revoking one, replacing one, and applying changed terms to all."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from app.audit import service as audit
from app.auth.models import User
from app.common import clock
from app.delivery.licences import errors, repository
from app.delivery.licences.models import Licence, LicenceTerms
from app.delivery.licences.service import (
    FIRST_ID,
    MaskedLicence,
    masked_licence,
    new_key_row,
    require_licence_product,
    require_terms_for_update,
)
from app.delivery.repository import get_order_number
from app.events import service as events
from app.events.catalogue.delivery import LicenceReissued, LicenceRevoked, LicenceTermsApplied

#: After this time without a step, the job that applies terms was lost.
_JOB_TIMEOUT: Final = timedelta(minutes=5)


def revoke(
    session: Session, *, merchant: User, product_id: UUID, licence_id: UUID, reason: str
) -> MaskedLicence:
    """Revoke a licence of the merchant's product without a refund.

    Raises ProductNotFound, UnauthorizedProductAccess, ProductHasNoLicences, LicenceNotFound,
    LicenceRevoked.
    """
    licence = _require_sold(session, merchant, product_id, licence_id)
    if licence.revoked_at is not None:
        raise errors.LicenceRevoked
    _revoke(session, merchant, licence, reason)
    licence.is_withdrawn = True
    _record(session, merchant, "licence.revoke", licence, reason)
    return masked_licence(licence, get_order_number(session, licence.order_id))


def reissue(
    session: Session, *, merchant: User, product_id: UUID, licence_id: UUID, reason: str
) -> MaskedLicence:
    """Replace a licence of the merchant's product by a new one on the same terms, with a new key
    and no machines. Returns the new one. The old one is revoked, if the merchant has not done that.

    Raises ProductNotFound, UnauthorizedProductAccess, ProductHasNoLicences, LicenceNotFound, and
    LicenceRevoked if it was refunded or replaced.
    """
    licence = _require_sold(session, merchant, product_id, licence_id)
    if licence.revoked_at is None:
        _revoke(session, merchant, licence, reason)
    elif not licence.is_withdrawn:
        raise errors.LicenceRevoked
    replacement = repository.insert_licence(
        session,
        order_id=licence.order_id,
        product_id=licence.product_id,
        activation_limit=licence.activation_limit,
        activations_per_30_days=licence.activations_per_30_days,
        activations=0,
        expires_at=licence.expires_at,
        created_at=licence.created_at,
        is_withdrawn=False,
        **new_key_row(),
    )
    licence.is_withdrawn, licence.replaced_by = False, replacement.id
    _record(session, merchant, "licence.reissue", licence, reason)
    number = get_order_number(session, licence.order_id)
    reissued = LicenceReissued.of(
        licence, order_number=number, merchant_id=merchant.id, reason=reason
    )
    events.record(session, [reissued])
    return masked_licence(replacement, number)


def _require_sold(session: Session, merchant: User, product_id: UUID, licence_id: UUID) -> Licence:
    """Lock a licence of the merchant's product, its product first, as refunds do."""
    require_licence_product(session, merchant=merchant, product_id=product_id)
    licence = repository.get_sold_for_update(session, product_id=product_id, licence_id=licence_id)
    if licence is None:
        raise errors.LicenceNotFound("This product has not sold such a licence.")
    return licence


def _revoke(session: Session, merchant: User, licence: Licence, reason: str) -> None:
    licence.revoked_at = clock.now()
    licence.revocation_reason = reason
    number = get_order_number(session, licence.order_id)
    revoked = LicenceRevoked.of(
        licence, order_number=number, merchant_id=merchant.id, reason=reason
    )
    events.record(session, [revoked])


def _record(session: Session, merchant: User, action: str, licence: Licence, reason: str) -> None:
    audit.record(
        session,
        actor_id=merchant.id,
        action=action,
        target=("licence", licence.id),
        reason=reason,
        details={
            "orderId": str(licence.order_id),
            "orderNumber": get_order_number(session, licence.order_id),
        },
    )


def request_application(session: Session, *, merchant: User, product_id: UUID) -> LicenceTerms:
    """Have a job apply the terms of the merchant's product to the licences that it has sold.

    Has no effect while such a job has work to do.
    Raises ProductNotFound, UnauthorizedProductAccess, ProductHasNoLicences.
    """
    # Waits for sales, which hold the product, so that the job sees every licence on earlier terms.
    require_licence_product(session, merchant=merchant, product_id=product_id)
    terms = require_terms_for_update(session, product_id)
    if not terms.is_applying:
        terms.applying_after, terms.applied, terms.applied_at = FIRST_ID, 0, clock.now()
        audit.record(
            session,
            actor_id=merchant.id,
            action="licence-terms.apply",
            target=("product", product_id),
            details={
                "activationLimit": terms.activation_limit,
                "activationsPer30Days": terms.activations_per_30_days,
                "validDays": terms.valid_days,
            },
        )
    return terms


def apply_terms(session: Session, *, product_id: UUID, limit: int) -> bool:
    """Apply the terms of a product to the next `limit` licences, if that was requested.

    Returns whether there are more.
    """
    terms = repository.get_terms_for_update(session, product_id)
    if terms is None or not terms.is_applying:
        return False
    batch = repository.apply_terms(session, product_id=product_id, limit=limit)
    terms.applying_after = batch.last_id
    terms.applied += batch.changed
    terms.applied_at = clock.now()
    if batch.last_id is None:
        merchant_id = repository.require_merchant_id(session, product_id=product_id)
        applied = LicenceTermsApplied.of(terms, aggregate_id=product_id, merchant_id=merchant_id)
        events.record(session, [applied])
    return batch.last_id is not None


def claim_stalled(session: Session, *, limit: int) -> Sequence[UUID]:
    """Products whose job was lost. They are not returned again for a while."""
    now = clock.now()
    stalled = repository.lock_stalled_terms(session, before=now - _JOB_TIMEOUT, limit=limit)
    for terms in stalled:
        terms.applied_at = now
    return [terms.product_id for terms in stalled]
