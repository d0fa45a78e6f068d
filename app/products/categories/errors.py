"""Errors of categories."""

from app.common.errors import BadRequest, Conflict, NotFound


class CategoryNotFound(NotFound):
    code = "CATEGORY_NOT_FOUND"
    message = "Category not found"


class CategoryExists(Conflict):
    code = "CATEGORY_EXISTS"
    message = "There is a category with this slug already"


class CategoryUnknown(BadRequest):
    """A product, or a list of them, names a category that does not exist."""

    def __init__(self) -> None:
        super().__init__(details={"category": ["Unknown category; see GET /categories."]})
