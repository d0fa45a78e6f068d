"""How Alembic reaches the database: as its owner, never as the application's role.

Without a DATABASE_URL it uses the server of a running `./flow up`.
"""

from alembic import context
from alembic.util import CommandError
from sqlalchemy import create_engine

from app.common.settings import COMMAND, SettingsError, load_for_migration
from app.local import running
from app.models import Base

try:
    settings = load_for_migration()
    if running.adopt(settings, as_owner=True):
        settings = load_for_migration()
except SettingsError as error:
    raise CommandError(str(error)) from None
url = settings.migration_database_url or settings.direct_database_url or settings.database_url
if url is None:
    raise CommandError(f"DATABASE_URL is not set, and `{COMMAND} up` is not running.")

engine = create_engine(url)
with engine.connect() as connection:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        compare_type=True,
        compare_server_default=True,
        transaction_per_migration=True,
        on_version_apply=context.config.attributes.get("on_version_apply"),
    )
    with context.begin_transaction():
        context.run_migrations()
engine.dispose()
