"""Where this process keeps files."""

from app.common.settings import Settings
from app.delivery.files.contents import Storage
from app.delivery.files.folder import FolderStorage

_storage: Storage | None = None


def configure(settings: Settings) -> None:
    """Keep files in the bucket that is configured, else in a folder."""
    keep_in(_configured(settings))


def keep_in(storage: Storage) -> None:
    """Keep files there from now on."""
    global _storage
    _storage = storage


def current() -> Storage:
    if _storage is None:
        raise RuntimeError("No storage is configured: call storage.configure() first.")
    return _storage


def _configured(settings: Settings) -> Storage:
    if settings.files_s3_bucket is None:
        return FolderStorage(settings.files_folder)
    from app.delivery.files.s3 import S3Storage

    return S3Storage(
        settings.files_s3_bucket,
        endpoint=settings.files_s3_endpoint,
        region=settings.files_s3_region,
    )
