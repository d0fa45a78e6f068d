"""Logos of shops."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from app.audit import service as audit
from app.auth import service as auth
from app.auth.masking import public_name
from app.auth.models import User
from app.auth.profile import Profile
from app.images import service as images
from app.images.service import ShownImage, StoredSize
from app.shops import repository
from app.storage.models import FileContent


def get_logo(session: Session, merchant: User | Profile) -> ShownImage | None:
    """The logo, described by the name of the shop; None if there is none."""
    logo = repository.get_logo(session, merchant.id)
    if logo is None:
        return None
    return replace(images.get_image(session, logo.image_id), alt=public_name(merchant))


def get_content(session: Session, merchant: User) -> FileContent | None:
    """The logo to be drawn into a document; None if there is none."""
    logo = get_logo(session, merchant)
    if logo is None:
        return None
    return images.require_content(session, image_id=logo.id, side=logo.preview.side)


def is_logo(session: Session, merchant: User, *, source_sha256: str) -> bool:
    """Whether the logo was made from this file."""
    logo = repository.get_logo(session, merchant.id)
    return logo is not None and logo.source_sha256 == source_sha256


def set_logo(
    session: Session, *, merchant: User, sizes: Sequence[StoredSize], source_sha256: str
) -> None:
    """Replace the logo. Raises QuotaExceeded, and Unavailable if its bytes were removed in the
    meantime."""
    auth.change_profile(session, user_id=merchant.id)  # another upload waits for this one
    logo = repository.get_logo_for_update(session, merchant.id)
    if logo is not None and logo.source_sha256 == source_sha256:
        return
    before = logo.image_id if logo is not None else None
    if before is not None:
        images.retire(session, [before])
    image = images.add(session, merchant=merchant, sizes=sizes)
    if logo is None:
        repository.insert_logo(
            session, merchant_id=merchant.id, image_id=image.id, source_sha256=source_sha256
        )
    else:
        logo.image_id, logo.source_sha256 = image.id, source_sha256
    _record(session, merchant, before=before, after=image.id)


def delete_logo(session: Session, *, merchant: User) -> None:
    """Delete the logo, if there is one."""
    logo = repository.get_logo_for_update(session, merchant.id)
    if logo is not None:
        images.retire(session, [logo.image_id])
        _record(session, merchant, before=logo.image_id, after=None)
        repository.delete_logo(session, logo)


def _record(session: Session, merchant: User, **logos: UUID | None) -> None:
    details: dict[str, Any] = {when: {"logo": logo and str(logo)} for when, logo in logos.items()}
    audit.record(
        session,
        actor_id=merchant.id,
        action="shop.update",
        target=("user", merchant.id),
        details=details,
    )
