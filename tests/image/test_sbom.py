"""The list of what an image contains."""

import json
import re
from importlib.metadata import version
from pathlib import Path

import jsonschema
import pytest

from app import VERSION
from tests.image import sbom

STATUS = """Package: libstdc++6
Status: install ok installed
Architecture: amd64
Multi-Arch: same
Version: 1:12.2.0-14+deb12u1
Description: GNU Standard C++ Library v3
 Version: in a description

Package: gone
Status: deinstall ok config-files
Architecture: all
Version: 1.0
"""

METADATA = """Metadata-Version: 2.4
Name: Flask_SQLAlchemy
Version: 3.1.1
License-Expression: BSD-3-Clause
"""

#: The part of the schema of CycloneDX that we use.
SCHEMA = {
    "type": "object",
    "required": ["bomFormat", "specVersion", "version", "serialNumber", "components"],
    "properties": {
        "bomFormat": {"const": "CycloneDX"},
        "specVersion": {"const": "1.6"},
        "serialNumber": {"pattern": "^urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"},
        "components": {
            "type": "array",
            "uniqueItems": True,
            "items": {
                "type": "object",
                "required": ["type", "name", "version", "purl", "bom-ref"],
                "additionalProperties": False,
                "properties": {
                    "type": {"const": "library"},
                    "name": {"type": "string"},
                    "version": {"type": "string"},
                    "bom-ref": {"type": "string"},
                    "purl": {"pattern": "^pkg:(pypi|deb/debian)/[^@ +]+@[^@ +]+$"},
                    "licenses": {"type": "array", "minItems": 1},
                },
            },
        },
    },
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Of an image with a package of each kind."""
    for path, text in (
        ("var/lib/dpkg/status", STATUS),
        ("venv/lib/python3.13/site-packages/flask_sqlalchemy-3.1.1.dist-info/METADATA", METADATA),
    ):
        (tmp_path / path).parent.mkdir(parents=True)
        (tmp_path / path).write_text(text)
    return tmp_path


def test_packages_are_listed_with_their_addresses_and_licences(root: Path) -> None:
    found = sbom.document(root)
    jsonschema.validate(found, SCHEMA)
    assert [each["purl"] for each in found["components"]] == [
        "pkg:deb/debian/libstdc%2B%2B6@1:12.2.0-14%2Bdeb12u1?arch=amd64",
        "pkg:pypi/flask-sqlalchemy@3.1.1",
    ]
    assert found["components"][1]["licenses"] == [{"license": {"name": "BSD-3-Clause"}}]
    assert found["metadata"]["component"]["version"] == VERSION


def test_the_same_content_has_the_same_list(root: Path) -> None:
    first = json.dumps(sbom.document(root))
    assert json.dumps(sbom.document(root)) == first
    (root / "var/lib/dpkg/status").unlink()
    assert json.dumps(sbom.document(root)) != first


def test_real_packages_are_found(root: Path) -> None:
    """Those of the tests stand for those of the image."""
    import flask

    folder = Path(flask.__file__).parents[1]
    link = root / "venv/lib/python3.11/site-packages"
    link.parent.mkdir(parents=True)
    link.symlink_to(folder)
    found = sbom.document(root)
    jsonschema.validate(found, SCHEMA)
    versions = {each["name"]: each["version"] for each in found["components"]}
    assert versions["flask"] == version("flask")
    assert len([each for each in found["components"] if re.match("pkg:pypi/", each["purl"])]) > 50
