"""HTTP of categories."""

from typing import Any
from uuid import UUID

from app.auth.guard import confirm_admin_code, current_admin, requires, requires_admin_code
from app.auth.models import Role
from app.common.db import reading, transaction
from app.common.http import Blueprint
from app.common.idempotent import idempotent
from app.common.pagination import Page, PageArgs, page_of
from app.products.categories import service
from app.products.categories.errors import CategoryExists, CategoryNotFound
from app.products.categories.models import Category
from app.products.categories.schemas import CategoryOut, CreateCategoryIn, UpdateCategoryIn

blp = Blueprint(
    "categories", __name__, url_prefix="/categories", description="Categories of products"
)
admin_blp = Blueprint(
    "admin-categories",
    __name__,
    url_prefix="/admin/categories",
    description="Categories of products",
)


@blp.get("")
@blp.arguments(PageArgs, location="query")
@blp.response(200, page_of(CategoryOut))
def list_categories(args: dict[str, Any]) -> Page[Category]:
    """List categories

    By name. `GET /products?category=` with a `slug` lists the products of one.
    """
    with reading() as session:
        return service.list_categories(session, **args)


@admin_blp.post("")
@requires(admin_blp, Role.ADMIN)
@admin_blp.arguments(CreateCategoryIn)
@idempotent(admin_blp)
@admin_blp.response(201, CategoryOut)
@admin_blp.errors(CategoryExists)
@requires_admin_code(admin_blp)
def create_category(body: dict[str, Any]) -> Category:
    """Create a category

    Merchants can put products into it from then on.
    """
    with transaction() as session:
        actor = current_admin(session)
        category = service.create(session, actor_id=actor.id, **body)
        confirm_admin_code(session)
        return category


@admin_blp.patch("/<uuid:category_id>")
@requires(admin_blp, Role.ADMIN)
@admin_blp.arguments(UpdateCategoryIn)
@idempotent(admin_blp)
@admin_blp.response(200, CategoryOut)
@admin_blp.errors(CategoryNotFound)
@requires_admin_code(admin_blp)
def update_category(body: dict[str, Any], category_id: UUID) -> Category:
    """Rename a category

    Its `slug` stays, so that links to it work.
    """
    with transaction() as session:
        actor = current_admin(session)
        category = service.rename(session, actor_id=actor.id, category_id=category_id, **body)
        confirm_admin_code(session)
        return category


@admin_blp.delete("/<uuid:category_id>")
@requires(admin_blp, Role.ADMIN)
@idempotent(admin_blp)
@admin_blp.response(204)
@admin_blp.errors(CategoryNotFound)
@requires_admin_code(admin_blp)
def delete_category(category_id: UUID) -> None:
    """Delete a category

    Its products stay on sale, without a category. The `slug` can be used again.
    """
    with transaction() as session:
        actor = current_admin(session)
        service.delete(session, actor_id=actor.id, category_id=category_id)
        confirm_admin_code(session)
