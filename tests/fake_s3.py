"""A minimal S3 bucket for tests: the part of the protocol that we use, over real HTTP."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler
from typing import ClassVar
from urllib.parse import parse_qs, unquote, urlsplit
from xml.etree import ElementTree

from app.common import clock
from app.common.clock import format_timestamp
from tests.http_server import listening

_XML = '<?xml version="1.0" encoding="UTF-8"?>'


@dataclass
class FakeS3:
    """One bucket.

    objects: by key; uploads: the parts of incomplete uploads, by id and number; failing: methods
    that get status 503; violations: of the protocol by the client.
    """

    NAME: ClassVar[str] = "files-of-the-tests"

    url: str = ""
    objects: dict[str, bytes] = field(default_factory=dict)
    uploads: dict[str, dict[int, bytes]] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    part_sizes: list[int] = field(default_factory=list)
    failing: set[str] = field(default_factory=set)
    violations: list[str] = field(default_factory=list)

    @classmethod
    @contextmanager
    def open(cls) -> Iterator["FakeS3"]:
        """A bucket that runs until the block ends."""
        bucket = cls()
        with listening(type("Handler", (_Handler,), {"bucket": bucket})) as bucket.url:
            yield bucket


class _Handler(BaseHTTPRequestHandler):
    bucket: FakeS3
    protocol_version = "HTTP/1.1"

    def setup(self) -> None:
        super().setup()
        self.connection.settimeout(5)

    def log_message(self, *_: object) -> None:
        pass

    def _begin(self) -> bool:
        """Read the request. Returns False if the failure has been sent already."""
        parts = urlsplit(self.path)
        bucket, _, self.key = unquote(parts.path).lstrip("/").partition("/")
        self.query = {
            name: values[0]
            for name, values in parse_qs(parts.query, keep_blank_values=True).items()
        }
        self.body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if bucket != FakeS3.NAME:
            self.bucket.violations.append(f"another bucket: {bucket}")
        signed = self.headers.get("Authorization", "")
        if not signed.startswith("AWS4-HMAC-SHA256 Credential=key-of-the-tests/"):
            self.bucket.violations.append(f"not signed: {self.command} {self.path}")
        if self.headers["x-amz-content-sha256"] != hashlib.sha256(self.body).hexdigest():
            self.bucket.violations.append(f"signature of another body: {self.command} {self.path}")
        if self.command in self.bucket.failing:
            self._fail(503, "SlowDown")
            return False
        return True

    def do_PUT(self) -> None:
        if not self._begin():
            return None
        if "uploadId" in self.query:
            upload = self.bucket.uploads.get(self.query["uploadId"])
            if upload is None:
                return self._fail(404, "NoSuchUpload")
            upload[int(self.query["partNumber"])] = self.body
            return self._send(headers={"ETag": _etag(self.body)})
        if source := self.headers.get("x-amz-copy-source"):
            name = unquote(source).removeprefix(f"{FakeS3.NAME}/")
            self.bucket.objects[self.key] = self.bucket.objects[name]
            return self._send(f"<CopyObjectResult><ETag>{_etag(b'')}</ETag></CopyObjectResult>")
        self.bucket.objects[self.key] = self.body
        return self._send(headers={"ETag": _etag(self.body)})

    def do_POST(self) -> None:
        if not self._begin():
            return
        if "uploads" in self.query:
            name = f"upload-{len(self.bucket.keys)}"
            self.bucket.uploads[name], self.bucket.keys[name] = {}, self.key
            self._send(
                f"<InitiateMultipartUploadResult><UploadId>{name}</UploadId>"
                "</InitiateMultipartUploadResult>"
            )
            return
        parts = self.bucket.uploads.pop(self.query["uploadId"])
        named = ElementTree.fromstring(self.body).iter()
        tags = [element.text for element in named if element.tag.endswith("ETag")]
        if tags != [_etag(parts[number]) for number in sorted(parts)]:
            self.bucket.violations.append("completed with other parts than were uploaded")
        self.bucket.part_sizes = [len(parts[number]) for number in sorted(parts)]
        if any(size < 5 * 2**20 for size in self.bucket.part_sizes[:-1]):
            self.bucket.violations.append("a part below the minimum size")
        self.bucket.objects[self.key] = b"".join(parts[number] for number in sorted(parts))
        self._send("<CompleteMultipartUploadResult><ETag>x</ETag></CompleteMultipartUploadResult>")

    def do_DELETE(self) -> None:
        if not self._begin():
            return
        if "uploadId" in self.query:
            self.bucket.uploads.pop(self.query["uploadId"], None)
        else:
            self.bucket.objects.pop(self.key, None)
        self._send(status=204)

    def do_HEAD(self) -> None:
        if not self._begin():
            return None
        if (body := self.bucket.objects.get(self.key)) is None:
            return self._fail(404, "NoSuchKey")
        return self._send(headers={"ETag": _etag(body)}, length=len(body))

    def do_GET(self) -> None:
        if not self._begin():
            return None
        if not self.key:
            return self._list()
        if (body := self.bucket.objects.get(self.key)) is None:
            return self._fail(404, "NoSuchKey")
        first, _, last = self.headers["Range"].removeprefix("bytes=").partition("-")
        part = body[int(first) : int(last) + 1]
        about = {"Content-Range": f"bytes {first}-{last}/{len(body)}", "ETag": _etag(body)}
        return self._send(part, status=206, headers=about)

    def _list(self) -> None:
        prefix, now = self.query["prefix"], format_timestamp(clock.now())
        if "uploads" in self.query:
            found = "".join(
                f"<Upload><Key>{self.bucket.keys[name]}</Key><UploadId>{name}</UploadId>"
                f"<Initiated>{now}</Initiated></Upload>"
                for name in self.bucket.uploads
                if self.bucket.keys[name].startswith(prefix)
            )
            return self._send(f"<ListMultipartUploadsResult>{found}</ListMultipartUploadsResult>")
        found = "".join(
            f"<Contents><Key>{key}</Key><LastModified>{now}</LastModified></Contents>"
            for key in self.bucket.objects
            if key.startswith(prefix)
        )
        return self._send(f"<ListBucketResult>{found}</ListBucketResult>")

    def _fail(self, status: int, code: str) -> None:
        self._send(f"<Error><Code>{code}</Code><Message>No</Message></Error>", status=status)

    def _send(
        self,
        body: str | bytes = b"",
        *,
        status: int = 200,
        headers: dict[str, str] | None = None,
        length: int | None = None,
    ) -> None:
        raw = f"{_XML}{body}".encode() if isinstance(body, str) else body
        self.send_response(status)
        self.send_header("Last-Modified", formatdate(usegmt=True))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(raw) if length is None else length))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(raw)


def _etag(body: bytes) -> str:
    return f'"{hashlib.md5(body).hexdigest()}"'
