"""Renders what `kubectl kustomize` does, as far as deploy/kubernetes uses it.

Anything else in a kustomization is refused. Where kubectl is installed, a test compares both.
"""

import base64
import copy
import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import yaml

Resource = dict[str, Any]

_KNOWN: Final = {
    "apiVersion", "kind", "namespace", "resources", "components", "images", "patches",
    "configMapGenerator", "secretGenerator",
}  # fmt: skip
#: Kinds without a namespace.
_OF_CLUSTER: Final = {"Namespace"}
#: Keeps hashes from looking like words.
_LETTERS: Final = str.maketrans("013ae", "ghkmt")


def render(folder: Path) -> list[Resource]:
    """The resources of a kustomization."""
    resources = _accumulate(folder, [])
    names = {}
    for resource in resources:
        if resource.pop("_hashed", False):
            old = resource["metadata"]["name"]
            resource["metadata"]["name"] = new = f"{old}-{_hash_of(resource)}"
            names[resource["kind"], old] = new
    for resource in resources:
        for reference, kind, key in references(resource):
            reference[key] = names.get((kind, reference[key]), reference[key])
    return resources


def load(path: Path) -> list[Resource]:
    return [each for each in yaml.safe_load_all(path.read_text()) if each]


def references(node: Any) -> Iterator[tuple[dict[str, Any], str, str]]:
    """Where a pod names a ConfigMap or a Secret: the object, the kind, and the key of the name."""
    if isinstance(node, dict):
        for name, value in node.items():
            if name in ("configMapRef", "configMapKeyRef"):
                yield value, "ConfigMap", "name"
            elif name in ("secretRef", "secretKeyRef"):
                yield value, "Secret", "name"
            elif name == "configMap" and isinstance(value, dict) and "name" in value:
                yield value, "ConfigMap", "name"
            elif name == "secret" and isinstance(value, dict) and "secretName" in value:
                yield value, "Secret", "secretName"
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def _accumulate(folder: Path, resources: list[Resource]) -> list[Resource]:
    """The resources so far, changed and extended by the kustomization in a folder."""
    (own,) = load(folder / "kustomization.yaml")
    assert not own.keys() - _KNOWN, f"{folder}: this test does not know {own.keys() - _KNOWN}"
    for name in own.get("resources", ()):
        path = folder / name
        added = _accumulate(path, []) if path.is_dir() else load(path)
        resources = [*resources, *added]
    for name in own.get("components", ()):
        resources = _accumulate(folder / name, resources)
    for kind, key in (("ConfigMap", "configMapGenerator"), ("Secret", "secretGenerator")):
        for declared in own.get(key, ()):
            _generate(folder, kind, declared, resources)
    for patch in own.get("patches", ()):
        _patch(folder, patch, resources)
    for resource in resources:
        if "namespace" in own and resource["kind"] not in _OF_CLUSTER:
            resource["metadata"]["namespace"] = own["namespace"]
        for image in own.get("images", ()):
            _set_image(resource, image)
    return resources


def _generate(folder: Path, kind: str, declared: dict[str, Any], resources: list[Resource]) -> None:
    values = {}
    for name in declared.get("envs", ()):
        for line in (folder / name).read_text().splitlines():
            if line and not line.startswith("#"):
                key, _, value = line.partition("=")
                values[key] = value
    for name in declared.get("files", ()):
        values[Path(name).name] = (folder / name).read_text()
    if kind == "Secret":
        values = {key: base64.b64encode(v.encode()).decode() for key, v in values.items()}
    if declared.get("behavior") == "merge":
        (existing,) = _select(resources, kind, declared["name"])
        existing["data"].update(values)
        return
    options = declared.get("options", {})
    metadata = {"name": declared["name"]}
    if "labels" in options:
        metadata["labels"] = options["labels"]
    resource = {"apiVersion": "v1", "kind": kind, "metadata": metadata, "data": values}
    if kind == "Secret":
        resource["type"] = declared.get("type", "Opaque")
    resources.append(resource | {"_hashed": not options.get("disableNameSuffixHash", False)})


def _hash_of(resource: Resource) -> str:
    """kustomize hashes the JSON of the resource without its name, as Go writes it."""
    content = {key: resource[key] for key in ("data", "kind", "type") if key in resource}
    text = json.dumps(content | {"name": ""}, sort_keys=True, separators=(",", ":"))
    for letter in "<>&":
        text = text.replace(letter, f"\\u{ord(letter):04x}")
    return hashlib.sha256(text.encode()).hexdigest()[:10].translate(_LETTERS)


def _select(resources: list[Resource], kind: str, name: str) -> list[Resource]:
    """name: a regular expression for the whole name."""
    found = [r for r in resources if r["kind"] == kind]
    return [r for r in found if re.fullmatch(name, r["metadata"]["name"])]


def _patch(folder: Path, patch: dict[str, Any], resources: list[Resource]) -> None:
    """Apply a file of RFC 6902 to its targets."""
    assert patch.keys() == {"path", "target"}
    (operations,) = load(folder / patch["path"])
    targets = _select(resources, patch["target"]["kind"], patch["target"]["name"])
    assert targets, f"{folder}: nothing is patched by {patch['path']}"
    for target in targets:
        for operation in operations:
            *parents, last = operation["path"].strip("/").split("/")
            node: Any = target
            for part in parents:
                node = node[int(part) if isinstance(node, list) else part]
            _apply(node, last, operation)


def _apply(node: Any, key: str, operation: dict[str, Any]) -> None:
    value = copy.deepcopy(operation.get("value"))
    match operation["op"]:
        case "add" if isinstance(node, list):
            assert key == "-"
            node.append(value)
        case "add":
            node[key] = value
        case "replace":
            assert isinstance(node, list) or key in node, f"{key} does not exist"
            node[int(key) if isinstance(node, list) else key] = value
        case "remove":
            del node[key]
        case other:
            raise AssertionError(f"this test does not know {other}")


def _set_image(resource: Resource, image: dict[str, str]) -> None:
    if resource["kind"] not in ("Deployment", "Job", "StatefulSet"):
        return
    for container in resource["spec"]["template"]["spec"]["containers"]:
        if container["image"] == image["name"]:
            version = f"@{image['digest']}" if "digest" in image else f":{image['newTag']}"
            container["image"] = image.get("newName", image["name"]) + version
