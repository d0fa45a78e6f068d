"""Names and media types of files in HTTP headers."""

import pytest

from app.common.errors import BadRequest, UnsupportedMediaType
from app.delivery.files.headers import attachment, file_name, media_type


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("attachment; filename*=UTF-8''gr%C3%BC%C3%9Fe.pdf", "grüße.pdf"),
        ("attachment; filename=guide.pdf", "guide.pdf"),
        ('attachment; filename="field guide.pdf"', "field guide.pdf"),
        ("attachment; filename=\"plain.pdf\"; filename*=UTF-8''%E2%82%AC.pdf", "€.pdf"),
        ("attachment; filename*=UTF-8''%E2%82%AC.pdf; filename=\"plain.pdf\"", "€.pdf"),
        ("attachment; FILENAME*=utf-8'en'a%20b.txt", "a b.txt"),
        # Raw UTF-8, which servers decode as Latin-1, and Latin-1.
        ('attachment; filename="grÃ¼n.pdf"', "grün.pdf"),
        ('attachment; filename="grün.pdf"', "grün.pdf"),
        (r'attachment; filename="a \"b\".pdf"', 'a "b".pdf'),
        ("attachment; filename*=UTF-8''e%CC%81.txt", "é.txt"),
    ],
)
def test_the_name_is_taken_from_the_header(header: str, name: str) -> None:
    assert file_name(header=header, default="other.txt") == name


def test_without_a_header_the_default_name_is_used() -> None:
    assert file_name(header=None, default=" guide.pdf ") == "guide.pdf"
    assert file_name(header="attachment", default="guide.pdf") == "guide.pdf"


@pytest.mark.parametrize(
    "name",
    [
        "",
        " ",
        ".",
        "..",
        "../../etc/passwd",
        "a/b.pdf",
        "C:\\b.pdf",
        "a\0.pdf",
        "a\x7f.pdf",
        "invoice\u202efdp.exe",
        "a\u200f.pdf",
        "a\u061c.pdf",
        "\ud800.pdf",
        "x" * 256,
        "€" * 86,
    ],
)
def test_an_invalid_name_is_refused(name: str) -> None:
    with pytest.raises(BadRequest) as refused:
        file_name(header=None, default=name)
    assert list(refused.value.details) == ["name"]


@pytest.mark.parametrize(
    ("sent", "kind"),
    [
        ("application/pdf", "application/pdf"),
        ("Text/Plain; charset=utf-8", "text/plain"),
        ("", "application/octet-stream"),
        ("application/vnd.api+json", "application/vnd.api+json"),
    ],
)
def test_parameters_of_a_media_type_are_removed(sent: str, kind: str) -> None:
    assert media_type(sent, allowed=()) == kind


@pytest.mark.parametrize(
    "sent",
    [
        "multipart/form-data; boundary=x",
        "application/x-www-form-urlencoded",
        "text/html",
        "TEXT/HTML; charset=utf-8",
        "application/xhtml+xml",
        "image/svg+xml",
        "nonsense",
        "a/b/c",
        "a b/c",
        "text/pl\u00e4in",
    ],
)
def test_forms_pages_and_invalid_types_are_refused(sent: str) -> None:
    with pytest.raises(UnsupportedMediaType):
        media_type(sent, allowed=())


def test_allowed_types_can_be_configured() -> None:
    allowed = ("application/zip", "audio/*")

    assert media_type("application/zip", allowed=allowed) == "application/zip"
    assert media_type("audio/flac", allowed=allowed) == "audio/flac"
    with pytest.raises(UnsupportedMediaType, match=r"application/zip, audio/\*"):
        media_type("application/pdf", allowed=allowed)
    with pytest.raises(UnsupportedMediaType):
        media_type("text/html", allowed=("text/html",))


@pytest.mark.parametrize(
    ("name", "plain", "extended"),
    [
        ("guide.pdf", "guide.pdf", "guide.pdf"),
        ("field guide.pdf", "field guide.pdf", "field%20guide.pdf"),
        ("grüße.pdf", "grue.pdf", "gr%C3%BC%C3%9Fe.pdf"),
        ('a"b;c%41.pdf', "a_b_c_41.pdf", "a%22b%3Bc%2541.pdf"),
        ("日本", "download", "%E6%97%A5%E6%9C%AC"),
        # Wide characters, whose ASCII forms would be a path.
        ("\uff0e\uff0e\uff0fa.pdf", "_a.pdf", "%EF%BC%8E%EF%BC%8E%EF%BC%8Fa.pdf"),
        ("\uff0e\uff0e", "download", "%EF%BC%8E%EF%BC%8E"),
    ],
)
def test_an_attachment_has_both_forms_of_the_name(name: str, plain: str, extended: str) -> None:
    header = attachment(name)

    assert header == f"attachment; filename=\"{plain}\"; filename*=UTF-8''{extended}"
    assert file_name(header=header, default=None) == name
