"""What refers to stored contents keeps them."""

from sqlalchemy.dialects import postgresql

from app.models import Base
from app.storage import repository


def test_every_table_that_refers_to_contents_is_known() -> None:
    """Contents to which nothing refers are removed, so none may be forgotten."""
    referring = {
        table.name
        for table in Base.metadata.tables.values()
        for key in table.foreign_keys
        if key.column.table.name == "file_contents"
    }

    known = str(repository.REFERENCES.compile(dialect=postgresql.dialect()))

    assert referring == {"product_files", "image_sizes"}
    assert all(f"FROM {name}" in known for name in referring)
