"""How Alembic reaches the database: as its owner, never as the application's role."""

from alembic import context
from sqlalchemy import create_engine

from app.common.settings import SettingsError, load_for_migration
from app.models import Base

settings = load_for_migration()
url = settings.migration_database_url or settings.database_url
if url is None:
    raise SettingsError("MIGRATION_DATABASE_URL or DATABASE_URL must be set.")

engine = create_engine(url)
with engine.connect() as connection:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        compare_type=True,
        compare_server_default=True,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()
engine.dispose()
