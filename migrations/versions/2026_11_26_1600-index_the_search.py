"""Index the texts of products for searches, without accents and case.

Needs the extensions pg_trgm and unaccent, which the owner of a database can create.
"""

from alembic import op

revision = "0035_search"
down_revision = "0034_catalogue_indexes"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm WITH SCHEMA public")
    op.execute("CREATE EXTENSION IF NOT EXISTS unaccent WITH SCHEMA public")
    # Immutable, as an index requires, though the rules of the extension may change with PostgreSQL.
    op.execute("""
        CREATE FUNCTION fold_text(text) RETURNS text
        LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
        RETURN lower(public.unaccent('public.unaccent'::regdictionary, $1))
    """)
    op.execute("""
        CREATE FUNCTION search_text(name text, description text) RETURNS text
        LANGUAGE sql IMMUTABLE PARALLEL SAFE
        RETURN fold_text(name || E'\\x1f' || coalesce(description, ''))
    """)
    op.execute(r"""
        CREATE FUNCTION search_pattern(text) RETURNS text
        LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
        RETURN '%' || regexp_replace(fold_text($1), '([\\%_])', '\\\1', 'g') || '%'
    """)
    # Stored, because to compute it takes longer than to compare it.
    op.execute("""
        ALTER TABLE products ADD COLUMN searched varchar
        GENERATED ALWAYS AS (search_text(name, description)) STORED
    """)
    op.execute("""
        CREATE INDEX ix_products_search ON products USING gin (searched public.gin_trgm_ops)
        WHERE is_active AND deleted_at IS NULL
    """)


def downgrade() -> None:
    op.drop_index("ix_products_search", table_name="products")
    op.drop_column("products", "searched")
    op.execute("DROP FUNCTION search_pattern(text)")
    op.execute("DROP FUNCTION search_text(text, text)")
    op.execute("DROP FUNCTION fold_text(text)")
    op.execute("DROP EXTENSION unaccent")
    op.execute("DROP EXTENSION pg_trgm")
