"""A storage in a bucket of S3 or a compatible service.

Imported only if a bucket is configured: boto3 takes 37 MB of memory per process.
"""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from app.common.ids import new_id
from app.storage.errors import ContentMissing, StorageUnavailable
from app.storage.interface import STAGED, ContentStream

#: Minimum size of a part of a multipart upload, except the last.
PART_BYTES: Final = 5 * 1024**2

_CONFIG: Final = Config(
    connect_timeout=5,
    read_timeout=15,
    retries={"mode": "standard", "max_attempts": 3},
    max_pool_connections=32,
    # Not every compatible service supports the additional checksums.
    request_checksum_calculation="when_required",
    response_checksum_validation="when_required",
)
_MISSING: Final = {"404", "NoSuchKey", "NotFound"}


@dataclass(slots=True)
class _StagedInMemory:
    """Content that fits into one part. It is uploaded when its key is known."""

    sha256: str
    size: int
    body: bytes
    bucket: "S3Storage"

    def store(self, key: str) -> None:
        self.bucket.do("put_object", Key=_object_key(key), Body=self.body)


@dataclass(slots=True)
class _StagedObject:
    """Content that was uploaded in parts under a temporary key."""

    sha256: str
    size: int
    staging_key: str
    bucket: "S3Storage"

    def store(self, key: str) -> None:
        source = {"Bucket": self.bucket.name, "Key": self.staging_key}
        self.bucket.do("copy_object", Key=_object_key(key), CopySource=source)


class S3Storage:
    """Objects in one bucket. Credentials are found by boto3: variables, files, roles."""

    def __init__(self, name: str, *, endpoint: str | None, region: str | None) -> None:
        self.name = name
        self._client: Any = boto3.client(
            "s3", endpoint_url=endpoint, region_name=region, config=_CONFIG
        )

    def do(self, operation: str, **values: Any) -> Any:
        """One request. Raises StorageUnavailable, ContentMissing."""
        try:
            return getattr(self._client, operation)(Bucket=self.name, **values)
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") in _MISSING:
                raise ContentMissing from error
            raise StorageUnavailable from error
        except BotoCoreError as error:
            raise StorageUnavailable from error

    @contextmanager
    def receive(self, chunks: Iterable[bytes]) -> Iterator[_StagedInMemory | _StagedObject]:
        digest = sha256()
        parts = _parts(chunks)
        part = next(parts, b"")
        digest.update(part)
        size = len(part)
        if size < PART_BYTES:
            yield _StagedInMemory(digest.hexdigest(), size, part, self)
            return
        with ExitStack() as cleanup:
            upload = _MultipartUpload.begin(self, cleanup)
            upload.add(part)
            for part in parts:
                digest.update(part)
                size += len(part)
                upload.add(part)
            upload.complete()
            yield _StagedObject(digest.hexdigest(), size, upload.key, self)

    def open(self, key: str, *, start: int, end: int) -> ContentStream:
        body = self.do("get_object", Key=_object_key(key), Range=f"bytes={start}-{end - 1}")["Body"]
        return ContentStream(body.read, body.close, length=end - start)

    def get_size(self, key: str) -> int | None:
        try:
            return int(self.do("head_object", Key=_object_key(key))["ContentLength"])
        except ContentMissing:
            return None

    def delete(self, key: str) -> None:
        self.do("delete_object", Key=_object_key(key))

    def delete_staged(self, *, before: datetime) -> int:
        """The oldest thousand of each kind, because they are named by time; the next call
        continues."""
        objects = self.do("list_objects_v2", Prefix=STAGED).get("Contents", ())
        uploads = self.do("list_multipart_uploads", Prefix=STAGED).get("Uploads", ())
        old_objects = [one["Key"] for one in objects if one["LastModified"] < before]
        old_uploads = [one for one in uploads if one["Initiated"] < before]
        for key in old_objects:
            self.do("delete_object", Key=key)
        for one in old_uploads:
            self.do("abort_multipart_upload", Key=one["Key"], UploadId=one["UploadId"])
        return len(old_objects) + len(old_uploads)


class _MultipartUpload:
    """A multipart upload, which is deleted at the end of its block."""

    def __init__(self, bucket: S3Storage, key: str, upload_id: str) -> None:
        self.key = key
        self._bucket = bucket
        self._id = upload_id
        self._parts: list[dict[str, Any]] = []
        self._is_complete = False

    @classmethod
    def begin(cls, bucket: S3Storage, cleanup: ExitStack) -> "_MultipartUpload":
        key = f"{STAGED}{new_id()}"
        upload = cls(bucket, key, bucket.do("create_multipart_upload", Key=key)["UploadId"])
        cleanup.callback(upload.delete)
        return upload

    def add(self, part: bytes) -> None:
        number = len(self._parts) + 1
        response = self._bucket.do(
            "upload_part", Key=self.key, UploadId=self._id, PartNumber=number, Body=part
        )
        self._parts.append({"PartNumber": number, "ETag": response["ETag"]})

    def complete(self) -> None:
        self._bucket.do(
            "complete_multipart_upload",
            Key=self.key,
            UploadId=self._id,
            MultipartUpload={"Parts": self._parts},
        )
        self._is_complete = True

    def delete(self) -> None:
        # If this fails, a job deletes it later.
        with suppress(StorageUnavailable, ContentMissing):
            if self._is_complete:
                self._bucket.do("delete_object", Key=self.key)
            else:
                self._bucket.do("abort_multipart_upload", Key=self.key, UploadId=self._id)


def _object_key(key: str) -> str:
    return key if key.startswith(STAGED) else f"contents/{key}"


def _parts(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """All bytes in parts of PART_BYTES, because some services require equal parts."""
    part = bytearray()
    for chunk in chunks:
        room = PART_BYTES - len(part)
        part += chunk[:room]
        if len(part) == PART_BYTES:
            yield bytes(part)
            part = bytearray(chunk[room:])
    if part:
        yield bytes(part)
