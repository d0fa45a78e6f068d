"""Where this process keeps files."""

from typing import Final

from app.common.process_state import Slot
from app.common.settings import Settings
from app.delivery.files.contents import Storage
from app.delivery.files.folder import FolderStorage

#: Where files are stored.
current: Final[Slot[Storage]] = Slot("file storage")


def from_settings(settings: Settings) -> Storage:
    """The bucket that is configured, else a folder."""
    if settings.files_s3_bucket is None:
        return FolderStorage(settings.files_folder)
    from app.delivery.files.s3 import S3Storage

    return S3Storage(
        settings.files_s3_bucket,
        endpoint=settings.files_s3_endpoint,
        region=settings.files_s3_region,
    )
