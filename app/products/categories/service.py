"""Categories of products, which administrators manage."""

from collections.abc import Collection, Mapping
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.audit import service as audit
from app.common import clock
from app.common.ids import new_id
from app.common.pagination import Page, PageRequest
from app.products.catalogue import invalidate_catalogue
from app.products.categories import repository
from app.products.categories.errors import CategoryExists, CategoryNotFound, CategoryUnknown
from app.products.categories.models import Category


def create(session: Session, *, actor_id: UUID | None, slug: str, name: str) -> Category:
    """actor_id: None for a command. Raises CategoryExists."""
    now = clock.now()
    try:
        with session.begin_nested():
            category = repository.insert_category(
                session, id=new_id(), slug=slug, name=name, created_at=now, updated_at=now
            )
    except IntegrityError as error:
        raise CategoryExists from error
    _record(session, category, actor_id=actor_id, verb="create")
    return category


def rename(session: Session, *, actor_id: UUID, category_id: UUID, name: str) -> Category:
    """Raises CategoryNotFound."""
    category = _require_for_update(session, category_id)
    category.name = name
    category.updated_at = clock.now()
    _record(session, category, actor_id=actor_id, verb="rename")
    return category


def delete(session: Session, *, actor_id: UUID, category_id: UUID) -> None:
    """Delete a category. Its products have none from then on. Raises CategoryNotFound."""
    category = _require_for_update(session, category_id)
    category.deleted_at = category.updated_at = clock.now()
    _record(session, category, actor_id=actor_id, verb="delete")
    invalidate_catalogue(session)


def _require_for_update(session: Session, category_id: UUID) -> Category:
    category = repository.get_category_for_update(session, category_id)
    if category is None or category.deleted_at is not None:
        raise CategoryNotFound
    return category


def _record(session: Session, category: Category, *, actor_id: UUID | None, verb: str) -> None:
    session.flush()
    audit.record(
        session,
        actor_id=actor_id,
        action=f"category.{verb}",
        target=("category", category.id),
        details={"slug": category.slug, "name": category.name},
    )


def list_categories(session: Session, page: PageRequest) -> Page[Category]:
    """All categories, by name."""
    return repository.list_categories(session, page)


def require_id(session: Session, slug: str) -> UUID:
    """The id of the category with this slug. Raises CategoryUnknown."""
    try:
        return get_ids(session, [slug])[slug]
    except KeyError:
        raise CategoryUnknown from None


def get_ids(session: Session, slugs: Collection[str]) -> Mapping[str, UUID]:
    """The ids of the categories with these slugs."""
    return repository.get_ids(session, slugs) if slugs else {}


def get_slugs(session: Session, category_ids: Collection[UUID]) -> Mapping[UUID, str]:
    """The slugs of these categories, without deleted ones."""
    return repository.get_slugs(session, category_ids) if category_ids else {}
