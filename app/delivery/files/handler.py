"""Delivery of files: the buyer gets links to the current version."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from app.common import clock
from app.common.clock import format_timestamp
from app.delivery.files import repository
from app.delivery.files import service as files
from app.delivery.files.downloads import links
from app.delivery.files.downloads.links import DownloadLink
from app.delivery.files.downloads.service import policy
from app.delivery.files.models import FileDelivery, ProductFile
from app.delivery.files.schemas import DeliveredFilesOut
from app.delivery.handler import DeferredCheck, DeliveryHandler, OrderLine, StockMismatch
from app.products.models import Product, ProductKind
from app.storage.models import FileContent


class FileHandler(DeliveryHandler):
    kind = ProductKind.FILE
    schema = DeliveredFilesOut

    def reserve(self, session: Session, lines: Sequence[OrderLine]) -> DeferredCheck:
        """Record the deliveries, which keeps the file from being deleted."""
        inserted = repository.insert_deliveries(
            session, lines, max_downloads=policy().max_downloads, now=clock.now()
        )

        def check() -> None:
            if len(inserted.fetchall()) != len(lines):
                raise StockMismatch("a product without a file was on sale")

        return check

    def deliver(self, session: Session, lines: Sequence[OrderLine]) -> None:
        repository.mark_delivered(session, lines, now=clock.now())

    def release(self, session: Session, line: OrderLine) -> None:
        repository.delete_undelivered(session, order_id=line.order_id)

    def revoke(self, session: Session, line: OrderLine, *, units: int) -> int:
        """All units can be sold again. Links stop working when no unit is left."""
        if not repository.revoke_units(session, order_id=line.order_id, units=units):
            raise StockMismatch("an order for a file has no delivery")
        return units

    def revoke_links(self, session: Session, *, order_id: UUID) -> None:
        repository.revoke_links(session, order_id=order_id)

    def discard(self, session: Session, product: Product) -> None:
        """An unsold file is retired, so that its bytes are removed."""
        row = repository.get_current(session, product_id=product.id)
        if row is not None and not repository.was_sold(session, product_id=product.id):
            files.retire(row.ProductFile, row.FileContent)
            product.is_ready = False

    def render(self, session: Session, line: OrderLine, *, base_url: str) -> dict[str, Any]:
        """The file with a new link, which is null if no download is left."""
        delivery = repository.get_delivery(session, line.order_id)
        row = repository.get_current(session, product_id=line.product_id)
        if delivery is None or not delivery.is_open or row is None:
            return {"files": []}
        return {"files": [_file_out(delivery, *row, base_url=base_url)]}


def _file_out(
    delivery: FileDelivery, file: ProductFile, content: FileContent, *, base_url: str
) -> dict[str, Any]:
    """Serialized as DeliveredFileOut."""
    left = delivery.downloads_allowed - delivery.downloads
    expires_at = (clock.now() + policy().link_ttl).replace(microsecond=0)
    link = DownloadLink(delivery.order_id, file.id, expires_at, delivery.link_serial)
    token = links.sign(link) if left else None
    return {
        "name": file.name,
        "size": content.size,
        "mediaType": file.media_type,
        "sha256": content.sha256,
        "url": f"{base_url}/downloads/{token}" if token else None,
        "expiresAt": format_timestamp(expires_at) if token else None,
        "downloadsLeft": left,
    }
