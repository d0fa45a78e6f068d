"""Look at the contents of files when they may be removed, instead of at all of them every hour.

The version before reads `touched_at` wherever it uses files, and would not set `review_at`.
"""

import sqlalchemy as sa
from alembic import op

revision = "0037_file_reviews"
down_revision = "0036_daily_sums"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("file_contents", sa.Column("review_at", sa.DateTime(timezone=True)))
    op.execute("""
        UPDATE file_contents c SET review_at = touched_at + interval '1 day'
        WHERE removing_at IS NULL AND NOT EXISTS (
            SELECT FROM product_files f WHERE f.content_id = c.id AND f.retired_at IS NULL)
    """)
    op.drop_column("file_contents", "touched_at")
    op.create_index(
        "ix_file_contents_review",
        "file_contents",
        ["review_at"],
        postgresql_where=sa.text("review_at IS NOT NULL"),
    )
    op.create_index(
        "ix_file_contents_check",
        "file_contents",
        [sa.text("coalesce(checked_at, created_at)")],
        postgresql_where=sa.text("removing_at IS NULL"),
    )


def downgrade() -> None:
    op.drop_index("ix_file_contents_check", table_name="file_contents")
    op.add_column("file_contents", sa.Column("touched_at", sa.DateTime(timezone=True)))
    op.execute("""
        UPDATE file_contents
        SET touched_at = greatest(created_at, review_at - interval '1 day')
    """)
    op.alter_column("file_contents", "touched_at", nullable=False)
    op.drop_column("file_contents", "review_at")
    op.create_index(
        "ix_file_contents_touched",
        "file_contents",
        ["touched_at"],
        postgresql_where=sa.text("removing_at IS NULL"),
    )
