"""HTTP of images."""

from typing import Final
from uuid import UUID

from flask import Response, request

from app.common.db import reading
from app.common.http import Blueprint
from app.common.openapi import path_parameter
from app.images import service
from app.images.errors import ImageNotFound
from app.images.limits import MEDIA_TYPE, SIDES
from app.storage.errors import StorageUnavailable

blp = Blueprint("images", __name__, url_prefix="/images", description="Images of merchants")

_BYTES: Final = {"schema": {"type": "string", "format": "binary"}}
_HEADERS: Final = {
    "ETag": {"description": "SHA-256 hash of the image", "schema": {"type": "string"}},
    "Cache-Control": {
        "description": "The content of a URL never changes",
        "schema": {"type": "string"},
    },
}


@blp.get(
    "/<uuid:image_id>/<int:side>.webp",
    parameters=[
        path_parameter("side", f"Maximum of width and height: {', '.join(map(str, SIDES))}")
    ],
)
@blp.response(200, headers=_HEADERS)
@blp.alt_response(304, description="Not modified since the given ETag", success=True)
@blp.doc(responses={200: {"content": {MEDIA_TYPE: _BYTES}}})
@blp.errors(ImageNotFound, StorageUnavailable)
def get_image(image_id: UUID, side: int) -> Response:
    """Get an image

    The URLs are in `images` of a product. A deleted image, and those of a deleted product, are not
    found.
    """
    with reading() as session:
        content = service.require_content(session, image_id=image_id, side=side)
    response = Response(mimetype=MEDIA_TYPE)
    response.headers["ETag"] = f'"{content.sha256}"'
    response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    # Pages of shops, which have other origins, may show it; as a page of its own it runs nothing.
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    response.headers["Content-Security-Policy"] = (
        "default-src 'none'; frame-ancestors 'none'; sandbox"
    )
    if "If-None-Match" in request.headers and request.if_none_match.contains_weak(content.sha256):
        response.status_code = 304
        return response
    # All of it, because the web server sends what fits into memory without this thread.
    response.data = service.read(content)
    return response
