"""Licences: keys that are made when they are sold, on the terms of their product."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy.orm import Session

from app.auth.models import User
from app.common import clock
from app.common.db import new_id
from app.common.encryption import decrypt, encrypt, fingerprints
from app.common.pagination import Page, PageRequest
from app.delivery.goods import GoodsMissing, Line
from app.delivery.licences import repository
from app.delivery.licences.errors import ProductHasNoLicences
from app.delivery.licences.keys import mask, new_key
from app.delivery.licences.models import Licence, LicenceStatus
from app.events import service as events
from app.events.catalogue.delivery import LicenceRevoked, LicenceTermsChanged
from app.products import service as products
from app.products.models import ProductKind

#: Machines that a licence can be active on at a time, where its merchant has not said otherwise.
USUAL_LIMIT: Final = 3


@dataclass(frozen=True, slots=True)
class Terms:
    """activation_limit: None for any number; valid_days: from the sale, None for ever."""

    activation_limit: int | None = USUAL_LIMIT
    valid_days: int | None = None


def reserve(session: Session, lines: Sequence[Line]) -> None:
    """Nothing: keys are made when they are paid for."""


def deliver(session: Session, lines: Sequence[Line]) -> None:
    """Make a licence for each unit, on the terms of this moment."""
    rows = [_new_licence(line) for line in lines for _ in range(line.quantity)]
    repository.insert_licences(session, rows, usual_limit=USUAL_LIMIT, now=clock.now())


def _new_licence(line: Line) -> dict[str, Any]:
    licence_id, key = new_id(), new_key().encode()
    sealed = encrypt(key, context=_context_of(licence_id))
    return {
        "id": licence_id,
        "order_id": line.order_id,
        "product_id": line.product_id,
        "fingerprint": marks_of(key.decode())[0],
        "sealed": sealed,
    }


def release(session: Session, line: Line) -> None:
    """Nothing: no key was made."""


def revoke(session: Session, line: Line, *, units: int) -> int:
    """Revoke the newest licences; as many can be sold again, with new keys."""
    revoked = repository.revoke_licences(
        session, order_id=line.order_id, units=units, now=clock.now()
    )
    if len(revoked) != units:
        raise GoodsMissing(f"{len(revoked)} of {units} licences")
    events.record(
        session,
        [
            LicenceRevoked(
                aggregate_id=licence_id, product_id=line.product_id, order_id=line.order_id
            )
            for licence_id in revoked
        ],
    )
    return units


def show(session: Session, line: Line, *, base: str) -> dict[str, Any]:
    """The buyer's licences, and on how many machines each is active."""
    rows = repository.licences_of_order(session, line.order_id)
    return {
        "licences": [
            {
                "key": open_key(licence),
                "status": status_of(licence).value,
                "activationLimit": licence.activation_limit,
                "activations": licence.activations,
                "expiresAt": clock.to_wire(licence.expires_at),
            }
            for licence in rows
        ]
    }


def status_of(licence: Licence) -> LicenceStatus:
    """By the clock."""
    if licence.revoked_at is not None:
        return LicenceStatus.REVOKED
    if licence.expires_at is not None and licence.expires_at <= clock.now():
        return LicenceStatus.EXPIRED
    return LicenceStatus.ACTIVE


def marks_of(key: str) -> list[bytes]:
    """What a licence is found by: the first is stored."""
    return fingerprints(key.encode(), context="licence-key")


def open_key(licence: Licence) -> str:
    """Its key. Raises DecryptionFailed."""
    return decrypt(licence.sealed, context=_context_of(licence.id)).decode()


def _context_of(licence_id: UUID) -> str:
    return f"licence/{licence_id}"


@dataclass(frozen=True, slots=True)
class Sold:
    """A licence as its merchant sees it. masked: with four characters of its key."""

    licence: Licence
    masked: str
    status: LicenceStatus


def page_of_product(
    session: Session, page: PageRequest, *, merchant: User, product_id: UUID
) -> Page[Sold]:
    """Licences of the merchant's product, newest first.

    Raises ProductNotFound, UnauthorizedProductAccess.
    """
    products.require_own(session, merchant=merchant, product_id=product_id)
    found = repository.list_licences(session, page, product_id=product_id)
    return found.with_data(Sold(row, mask(open_key(row)), status_of(row)) for row in found.data)


def terms_of(session: Session, *, merchant: User, product_id: UUID) -> Terms:
    """On what terms the next licence of the merchant's product is sold.

    Raises ProductNotFound, UnauthorizedProductAccess, ProductHasNoLicences.
    """
    _require_licence_product(session, merchant, product_id)
    terms = repository.get_terms(session, product_id)
    return Terms(terms.activation_limit, terms.valid_days) if terms is not None else Terms()


def set_terms(session: Session, *, merchant: User, product_id: UUID, terms: Terms) -> Terms:
    """Sell licences on these terms from now on; those sold keep theirs.

    Raises ProductNotFound, UnauthorizedProductAccess, ProductHasNoLicences.
    """
    _require_licence_product(session, merchant, product_id)
    repository.save_terms(
        session,
        product_id=product_id,
        activation_limit=terms.activation_limit,
        valid_days=terms.valid_days,
        updated_at=clock.now(),
    )
    changed = LicenceTermsChanged(
        aggregate_id=product_id,
        activation_limit=terms.activation_limit,
        valid_days=terms.valid_days,
    )
    events.record(session, [changed])
    return terms


def _require_licence_product(session: Session, merchant: User, product_id: UUID) -> None:
    product = products.require_own(session, merchant=merchant, product_id=product_id)
    if product.kind != ProductKind.LICENCE:
        raise ProductHasNoLicences
