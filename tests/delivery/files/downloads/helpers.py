"""Downloads by link."""

from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from app.common.db import reading
from app.delivery.files.downloads import links
from app.delivery.files.models import FileDownload
from tests.delivery.files.helpers import (
    GUIDE,
    sha256,
)

ETAG = f'"{sha256(GUIDE)}"'
SIZE = len(GUIDE)


def get(client: FlaskClient, link: str, part: str | None = None, **headers: str) -> TestResponse:
    """The complete response. part: a Range header."""
    with client.get(link, headers=headers | ({"Range": part} if part else {})) as answer:
        answer.get_data()
    return answer


def served(link: str) -> int | None:
    """The bytes counted for a link."""
    with reading() as session:
        return session.scalar(
            select(FileDownload.served).where(
                FileDownload.id == links.verify(link.rpartition("/")[2]).id
            )
        )
