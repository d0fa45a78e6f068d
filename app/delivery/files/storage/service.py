"""The storage of this process."""

from typing import Final

from app.common.process_state import Slot
from app.common.settings import Settings
from app.delivery.files.storage.folder import FolderStorage
from app.delivery.files.storage.interface import Storage

current: Final[Slot[Storage]] = Slot("file storage")


def from_settings(settings: Settings) -> Storage:
    """The configured bucket, or a folder if there is none."""
    if settings.files_s3_bucket is None:
        return FolderStorage(settings.files_folder)
    from app.delivery.files.storage.s3 import S3Storage

    return S3Storage(
        settings.files_s3_bucket,
        endpoint=settings.files_s3_endpoint,
        region=settings.files_s3_region,
    )
