"""Keeping files in a bucket of S3, or of what speaks its protocol.

Imported only where a bucket is configured: boto3 costs a process 37 MB.
"""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, Final
from uuid import uuid4

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from app.delivery.files.contents import Content
from app.delivery.files.errors import ContentMissing, StorageAway

#: The least that a part of a multipart upload may have, but the last.
PART_BYTES: Final = 5 * 1024**2

_CONFIG: Final = Config(
    connect_timeout=5,
    read_timeout=60,
    retries={"mode": "standard", "max_attempts": 3},
    max_pool_connections=32,
    # Checksums of their own that not everybody who speaks S3 understands.
    request_checksum_calculation="when_required",
    response_checksum_validation="when_required",
)
_INCOMING: Final = "incoming/"
_MISSING: Final = {"404", "NoSuchKey", "NotFound"}


@dataclass(slots=True)
class _Small:
    """A draft that fits into one part: it is sent when its place is known."""

    sha256: str
    size: int
    body: bytes
    bucket: "S3Storage"

    def keep(self, place: str) -> None:
        self.bucket.do("put_object", Key=_key(place), Body=self.body)


@dataclass(slots=True)
class _Large:
    """A draft that was sent part by part under a name of its own."""

    sha256: str
    size: int
    key: str
    bucket: "S3Storage"

    def keep(self, place: str) -> None:
        source = {"Bucket": self.bucket.name, "Key": self.key}
        self.bucket.do("copy_object", Key=_key(place), CopySource=source)


class S3Storage:
    """Objects of one bucket. Credentials are found as boto3 does: variables, files, roles."""

    def __init__(self, name: str, *, endpoint: str | None, region: str | None) -> None:
        self.name = name
        self._client: Any = boto3.client(
            "s3", endpoint_url=endpoint, region_name=region, config=_CONFIG
        )

    def do(self, act: str, **values: Any) -> Any:
        """One request. Raises StorageAway, ContentMissing."""
        try:
            return getattr(self._client, act)(Bucket=self.name, **values)
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") in _MISSING:
                raise ContentMissing from error
            raise StorageAway from error
        except BotoCoreError as error:
            raise StorageAway from error

    @contextmanager
    def receive(self, pieces: Iterable[bytes]) -> Iterator[_Small | _Large]:
        digest = sha256()
        parts = _parts(pieces)
        part = next(parts, b"")
        digest.update(part)
        size = len(part)
        if size < PART_BYTES:
            yield _Small(digest.hexdigest(), size, part, self)
            return
        with ExitStack() as cleanup:
            upload = _Upload.begin(self, cleanup)
            upload.add(part)
            for part in parts:
                digest.update(part)
                size += len(part)
                upload.add(part)
            upload.complete()
            yield _Large(digest.hexdigest(), size, upload.key, self)

    def open(self, place: str, *, start: int, end: int) -> Content:
        body = self.do("get_object", Key=_key(place), Range=f"bytes={start}-{end - 1}")["Body"]
        return Content(body.read, body.close, length=end - start)

    def size_of(self, place: str) -> int | None:
        try:
            return int(self.do("head_object", Key=_key(place))["ContentLength"])
        except ContentMissing:
            return None

    def delete(self, place: str) -> None:
        self.do("delete_object", Key=_key(place))

    def forget_drafts(self, *, before: datetime) -> int:
        """The oldest thousand of each kind; the next time goes on."""
        objects = self.do("list_objects_v2", Prefix=_INCOMING).get("Contents", ())
        uploads = self.do("list_multipart_uploads", Prefix=_INCOMING).get("Uploads", ())
        old_objects = [one["Key"] for one in objects if one["LastModified"] < before]
        old_uploads = [one for one in uploads if one["Initiated"] < before]
        for key in old_objects:
            self.do("delete_object", Key=key)
        for one in old_uploads:
            self.do("abort_multipart_upload", Key=one["Key"], UploadId=one["UploadId"])
        return len(old_objects) + len(old_uploads)


class _Upload:
    """A multipart upload, of which nothing is left when its block ends."""

    def __init__(self, bucket: S3Storage, key: str, upload_id: str) -> None:
        self.key = key
        self._bucket = bucket
        self._id = upload_id
        self._parts: list[dict[str, Any]] = []
        self._is_complete = False

    @classmethod
    def begin(cls, bucket: S3Storage, cleanup: ExitStack) -> "_Upload":
        key = f"{_INCOMING}{uuid4()}"
        upload = cls(bucket, key, bucket.do("create_multipart_upload", Key=key)["UploadId"])
        cleanup.callback(upload.forget)
        return upload

    def add(self, part: bytes) -> None:
        number = len(self._parts) + 1
        answer = self._bucket.do(
            "upload_part", Key=self.key, UploadId=self._id, PartNumber=number, Body=part
        )
        self._parts.append({"PartNumber": number, "ETag": answer["ETag"]})

    def complete(self) -> None:
        self._bucket.do(
            "complete_multipart_upload",
            Key=self.key,
            UploadId=self._id,
            MultipartUpload={"Parts": self._parts},
        )
        self._is_complete = True

    def forget(self) -> None:
        # What cannot be forgotten now is forgotten by the job that looks for old drafts.
        with suppress(StorageAway, ContentMissing):
            if self._is_complete:
                self._bucket.do("delete_object", Key=self.key)
            else:
                self._bucket.do("abort_multipart_upload", Key=self.key, UploadId=self._id)


def _key(place: str) -> str:
    return f"contents/{place}"


def _parts(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """All bytes in parts of PART_BYTES, some want them all equal; the last may be shorter."""
    part = bytearray()
    for piece in pieces:
        room = PART_BYTES - len(part)
        part += piece[:room]
        if len(part) == PART_BYTES:
            yield bytes(part)
            part = bytearray(piece[room:])
    if part:
        yield bytes(part)
