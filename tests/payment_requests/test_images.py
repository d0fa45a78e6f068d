"""QR codes of payment requests and merchant codes, decoded as a phone would."""

import re
from io import BytesIO
from typing import Any
from xml.etree import ElementTree

import pytest
from flask.testing import FlaskClient
from PIL import Image

from tests import factories
from tests.factories import Actor
from tests.payment_requests.helpers import CODES, REQUESTS, created_code, created_request
from tests.qr_reader import read_png, read_svg
from tests.responses import refusal
from tests.scripts import SAMPLES
from tests.shops.helpers import with_shop
from tests.transfers.helpers import with_name


@pytest.fixture(params=["request", "code"])
def thing(request: pytest.FixtureRequest, client: FlaskClient) -> tuple[Actor, str, str]:
    """The owner of a request or code, its path, and its link."""
    owner = factories.merchant()
    if request.param == "request":
        made, base = created_request(client, owner, amount="1.00"), REQUESTS
    else:
        made, base = created_code(client, owner, amount="1.00"), CODES
    return owner, f"{base}/{made['id']}", made["link"]


def test_the_png_encodes_the_link(client: FlaskClient, thing: tuple[Actor, str, str]) -> None:
    owner, path, link = thing

    answer = client.get(f"{path}/qr.png", headers=owner.headers)

    assert (answer.status_code, answer.content_type) == (200, "image/png")
    assert read_png(answer.data) == link
    assert Image.open(BytesIO(answer.data)).format == "PNG"


def test_the_svg_encodes_the_link(client: FlaskClient, thing: tuple[Actor, str, str]) -> None:
    owner, path, link = thing

    answer = client.get(f"{path}/qr.svg", headers=owner.headers)

    assert (answer.status_code, answer.mimetype) == (200, "image/svg+xml")
    assert read_svg(answer.text) == link
    assert ElementTree.fromstring(answer.text).tag == "{http://www.w3.org/2000/svg}svg"


@pytest.mark.parametrize("kind", ["png", "svg"])
def test_the_image_has_the_requested_size(
    client: FlaskClient, thing: tuple[Actor, str, str], kind: str
) -> None:
    owner, path, link = thing
    for size in (128, 700, 2048):
        answer = client.get(f"{path}/qr.{kind}?size={size}", headers=owner.headers)
        if kind == "svg":
            assert ElementTree.fromstring(answer.text).attrib["width"] == str(size)
        else:
            assert size - 50 < Image.open(BytesIO(answer.data)).width <= size
            assert read_png(answer.data) == link
    for size in ("127", "2049", "0", "-5", "big", "1e3", "99999999999999999999"):
        answer = client.get(f"{path}/qr.{kind}?size={size}", headers=owner.headers)
        assert refusal(answer) == (400, "VALIDATION_ERROR")


@pytest.mark.parametrize("kind", ["png", "svg"])
def test_the_image_is_inline_and_cached_privately(
    client: FlaskClient, thing: tuple[Actor, str, str], kind: str
) -> None:
    owner, path, _ = thing
    answer = client.get(f"{path}/qr.{kind}", headers=owner.headers)
    again = client.get(
        f"{path}/qr.{kind}", headers=owner.headers | {"If-None-Match": answer.headers["ETag"]}
    )

    assert answer.headers["Content-Disposition"].startswith("inline; filename=")
    assert answer.headers["Cache-Control"] == "private, max-age=3600"
    assert (again.status_code, again.data) == (304, b"")


@pytest.mark.parametrize("kind", ["png", "svg"])
def test_other_callers_are_refused(
    client: FlaskClient, thing: tuple[Actor, str, str], kind: str
) -> None:
    _, path, _ = thing

    assert client.get(f"{path}/qr.{kind}").status_code == 401
    assert client.get(f"{path}/qr.{kind}", headers=factories.merchant().headers).status_code == 404


class TestPrinting:
    def printable_code(self, client: FlaskClient, shop: Actor, **terms: Any) -> tuple[str, str]:
        """The texts of the printable code, and the content of its QR code."""
        code = created_code(client, shop, **terms)
        answer = client.get(f"{CODES}/{code['id']}/sheet.svg", headers=shop.headers)
        assert (answer.status_code, answer.mimetype) == (200, "image/svg+xml")
        page = ElementTree.fromstring(answer.text)
        assert page.attrib["width"] == "105mm"
        words = [label for element in page.iter() if (label := element.get("aria-label"))]
        qr_code = answer.text[answer.text.index("<svg ", 10) :]
        assert read_svg(qr_code) == code["link"]
        return "|".join(words), code["link"]

    def test_merchant_label_and_amount_are_printed(self, client: FlaskClient) -> None:
        shop = with_shop(client, factories.merchant(), name="Corner Café")
        words, link = self.printable_code(client, shop, amount="3.50", label="Counter")

        assert words.startswith("Corner Café|Counter|$3.50|")
        assert words.endswith(link.removeprefix("http://"))

    def test_the_price_of_a_product_is_not_printed_because_it_may_change(
        self, client: FlaskClient
    ) -> None:
        shop = factories.merchant()
        product_id = factories.product(shop, price="3.50", name="Espresso")
        words, _ = self.printable_code(client, shop, productId=str(product_id), label="Counter")

        assert "Espresso|Counter" in words
        assert "3.50" not in words

    def test_a_long_name_is_not_cut_in_a_word_and_leaves_room_for_the_label(
        self, client: FlaskClient
    ) -> None:
        shop = factories.merchant()
        long = "A very long name of a product that keeps going and going to see how it wraps"
        endless = "another word " * 15
        for name in (long, endless.strip()):
            product_id = factories.product(shop, price="3.50", name=name)
            words, _ = self.printable_code(client, shop, productId=str(product_id), label="Till 1")

            lines = words.split("|")
            shown = lines[1 : lines.index("Till 1")]
            assert len(shown) <= 3
            assert set(" ".join(shown).split()) <= {*name.split(), "…"}
        assert "…" in shown[-1]

    def test_long_and_malicious_texts_are_escaped(self, client: FlaskClient) -> None:
        shop = with_name(client, factories.merchant(), "<script>alert(1)</script>", "W" * 100)
        words, _ = self.printable_code(client, shop, label='"&]]> ' * 13)

        assert "<script>alert(1)</script>" in words
        assert words.count('"&]]>') == 13

    @pytest.mark.parametrize("script", ["Devanagari", "Arabic", "Chinese", "Thai", "Emoji"])
    def test_texts_of_any_script_are_outlines_within_the_frame(
        self, client: FlaskClient, script: str
    ) -> None:
        name = SAMPLES[script][:30]
        shop = with_shop(
            client, factories.merchant(), name=f"{name} " * 2, supportEmail="help@example.com"
        )
        code = created_code(client, shop, label=f"{name} " * 3)
        page = ElementTree.fromstring(
            client.get(f"{CODES}/{code['id']}/sheet.svg", headers=shop.headers).text
        )

        assert not list(page.iter("{http://www.w3.org/2000/svg}text"))  # whose fonts may lack
        assert name in (page.findtext("{http://www.w3.org/2000/svg}title") or "")
        lines = [element.attrib for element in page.iter() if element.get("aria-label")]
        assert len(lines) > 4
        for line in lines:
            start, scale = map(float, re.findall(r"\(([\d.]+)", line["transform"]))
            ends = [start + scale * int(x) for x in re.findall(r"(-?\d+) -?\d+", line["d"])]
            assert 6 < min(ends) < max(ends) < 99
