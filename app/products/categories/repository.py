"""SQL of categories."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from app.common.pagination import Page, PageRequest, paginate
from app.common.rows import insert_row, lock_row
from app.products.categories.models import Category


def _categories() -> Select[Any]:
    return select(Category).where(Category.deleted_at.is_(None))


def insert_category(session: Session, **values: Any) -> Category:
    return insert_row(session, Category(**values))


def get_category_for_update(session: Session, category_id: UUID) -> Category | None:
    return lock_row(session, Category, category_id)


def list_categories(session: Session, page: PageRequest) -> Page[Category]:
    """By name."""
    return paginate(session, page, _categories(), Category.name, Category.id, descending=False)


def get_ids(session: Session, slugs: Collection[str]) -> dict[str, UUID]:
    """The ids of the categories with these slugs."""
    query = _categories().with_only_columns(Category.slug, Category.id)
    return {row.slug: row.id for row in session.execute(query.where(Category.slug.in_(slugs)))}


def get_slugs(session: Session, category_ids: Collection[UUID]) -> dict[UUID, str]:
    """The slugs of these categories, without deleted ones."""
    query = _categories().with_only_columns(Category.slug, Category.id)
    return {row.id: row.slug for row in session.execute(query.where(Category.id.in_(category_ids)))}
