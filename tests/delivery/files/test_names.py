"""Names and types of files."""

import pytest

from app.common.errors import BadRequest, UnsupportedMediaType
from app.delivery.files.names import attachment, file_name, media_type


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("attachment; filename*=UTF-8''gr%C3%BC%C3%9Fe.pdf", "grüße.pdf"),
        ("attachment; filename=guide.pdf", "guide.pdf"),
        ('attachment; filename="field guide.pdf"', "field guide.pdf"),
        ("attachment; filename=\"plain.pdf\"; filename*=UTF-8''%E2%82%AC.pdf", "€.pdf"),
        ("attachment; filename*=UTF-8''%E2%82%AC.pdf; filename=\"plain.pdf\"", "€.pdf"),
        ("attachment; FILENAME*=utf-8'en'a%20b.txt", "a b.txt"),
        # UTF-8 as it is, which a server reads as Latin-1; and Latin-1 itself.
        ('attachment; filename="grÃ¼n.pdf"', "grün.pdf"),
        ('attachment; filename="grün.pdf"', "grün.pdf"),
        (r'attachment; filename="a \"b\".pdf"', 'a "b".pdf'),
        ("attachment; filename*=UTF-8''e%CC%81.txt", "é.txt"),
    ],
)
def test_a_name_is_read_from_the_header(header: str, name: str) -> None:
    assert file_name(header=header, given="other.txt") == name


def test_the_query_says_it_where_no_header_does() -> None:
    assert file_name(header=None, given=" guide.pdf ") == "guide.pdf"
    assert file_name(header="attachment", given="guide.pdf") == "guide.pdf"


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
        "a\n.pdf",
        "a\x7f.pdf",
        "a\u2028.pdf",
        "invoice\u202efdp.exe",
        "a\u200f.pdf",
        "a\u061c.pdf",
        "\ud800.pdf",
        "x" * 256,
        "€" * 86,
    ],
)
def test_what_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(BadRequest) as refused:
        file_name(header=None, given=name)
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
def test_a_type_is_kept_without_its_parameters(sent: str, kind: str) -> None:
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
def test_forms_pages_and_nonsense_are_refused(sent: str) -> None:
    with pytest.raises(UnsupportedMediaType):
        media_type(sent, allowed=())


def test_only_what_the_shop_allows_is_taken_if_it_says_so() -> None:
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
        # Wide letters, whose plain forms are folders.
        ("\uff0e\uff0e\uff0fa.pdf", "_a.pdf", "%EF%BC%8E%EF%BC%8E%EF%BC%8Fa.pdf"),
        ("\uff0e\uff0e", "download", "%EF%BC%8E%EF%BC%8E"),
    ],
)
def test_a_name_is_sent_in_both_forms(name: str, plain: str, extended: str) -> None:
    header = attachment(name)

    assert header == f"attachment; filename=\"{plain}\"; filename*=UTF-8''{extended}"
    assert file_name(header=header, given=None) == name
