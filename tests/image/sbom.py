"""What an image contains, as a CycloneDX document: packages of Python and of Debian."""

import re
import uuid
from collections.abc import Iterator
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from app import VERSION

_FORMAT: Final = {
    "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
    "bomFormat": "CycloneDX",
    "specVersion": "1.6",
    "version": 1,
}


def document(root: Path) -> dict[str, Any]:
    """root: the root folder of the image."""
    components = sorted(
        [*_python(root), *_debian(root)], key=lambda component: str(component["purl"])
    )
    own = {
        "type": "application",
        "name": "payment-flow",
        "version": VERSION,
        "bom-ref": _purl("pypi", "payment-flow", VERSION),
        "licenses": [{"license": {"id": "MIT"}}],
    }
    # The same for the same content.
    serial = uuid.uuid5(uuid.NAMESPACE_URL, "\n".join(each["purl"] for each in components))
    return {
        **_FORMAT,
        "serialNumber": serial.urn,
        "metadata": {"component": own},
        "components": components,
    }


def _python(root: Path) -> Iterator[dict[str, Any]]:
    folders = [str(path) for path in root.glob("venv/lib/python3*/site-packages")]
    for each in distributions(path=folders):
        name = re.sub(r"[-_.]+", "-", each.name).lower()
        yield _component(_purl("pypi", name, each.version), name, each.version, _licence(each))


def _licence(distribution: Distribution) -> str | None:
    """As the package declares it: an expression of SPDX, or else whatever names it."""
    for field in ("License-Expression", "License"):
        if (text := distribution.metadata.get(field)) and "\n" not in text:
            return str(text)
    return None


def _debian(root: Path) -> Iterator[dict[str, Any]]:
    status = root / "var/lib/dpkg/status"
    for paragraph in status.read_text().split("\n\n") if status.exists() else ():
        fields = dict(re.findall(r"^([\w-]+): (.*)$", paragraph, re.M))
        if fields.get("Status") == "install ok installed":
            name, version = fields["Package"], fields["Version"]
            purl = f"{_purl('deb/debian', name, version)}?arch={fields['Architecture']}"
            yield _component(purl, name, version, None)


def _purl(kind: str, name: str, version: str) -> str:
    """The address of a package: https://github.com/package-url/purl-spec."""
    return f"pkg:{kind}/{quote(name, safe='')}@{quote(version, safe=':')}"


def _component(purl: str, name: str, version: str, licence: str | None) -> dict[str, Any]:
    component = {
        "type": "library",
        "bom-ref": purl,
        "name": name,
        "version": version,
        "purl": purl,
    }
    return component | ({"licenses": [{"license": {"name": licence}}]} if licence else {})
