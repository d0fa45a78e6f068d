"""The rendered manifests of deploy/kubernetes, and what their pods get."""

import atexit
import base64
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, Final

from app.common.settings import PROJECT_ROOT
from tests.deploy.kustomize import Resource, render

KUBERNETES: Final = PROJECT_ROOT / "deploy" / "kubernetes"
OVERLAYS: Final = ("k3s", "production")
#: What of ours runs: the command of each.
COMMANDS: Final = {"web": "serve", "worker": "worker", "live": "live", "migrate": "migrate"}
PART: Final = {"app.kubernetes.io/part-of": "payment-flow"}
_PODS: Final = ("Deployment", "Job", "StatefulSet")


@cache
def tree() -> Path:
    """A copy of deploy/kubernetes in which the secrets of the overlay k3s have been created."""
    temporary = mkdtemp(prefix="kubernetes-")
    atexit.register(shutil.rmtree, temporary, ignore_errors=True)
    folder = Path(temporary) / "kubernetes"
    shutil.copytree(KUBERNETES, folder, ignore=shutil.ignore_patterns("secrets", "__pycache__"))
    script = folder / "create_secrets.py"
    subprocess.run([sys.executable, script], check=True, capture_output=True)
    return folder


@cache
def manifests(overlay: str) -> list[Resource]:
    return render(tree() / "overlays" / overlay)


def of_kind(overlay: str, *kinds: str) -> list[Resource]:
    return [each for each in manifests(overlay) if each["kind"] in kinds]


def named(overlay: str, kind: str, name: str) -> Resource:
    (found,) = [each for each in of_kind(overlay, kind) if name_of(each) == name]
    return found


def name_of(resource: Resource) -> str:
    return str(resource["metadata"]["name"])


def pods(overlay: str) -> dict[str, Resource]:
    """The template of the pods of each workload."""
    return {name_of(each): each["spec"]["template"] for each in of_kind(overlay, *_PODS)}


def own_pods(overlay: str) -> dict[str, Resource]:
    """The same of those that run our image."""
    return {name: pod for name, pod in pods(overlay).items() if name in COMMANDS}


def container_of(pod: Resource) -> dict[str, Any]:
    (container,) = pod["spec"]["containers"]
    return dict(container)


def matches(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    wanted = selector.get("matchLabels", {}).items() <= labels.items()
    return wanted and all(
        rule["operator"] == "In" and labels.get(rule["key"]) in rule["values"]
        for rule in selector.get("matchExpressions", ())
    )


def secrets(overlay: str) -> dict[str, dict[str, str]]:
    """The content of each Secret: as generated, or as External Secrets makes it of `VAULT`."""
    found = {
        name_of(each): {
            key: base64.b64decode(value).decode() for key, value in each["data"].items()
        }
        for each in of_kind(overlay, "Secret")
    }
    for each in of_kind(overlay, "ExternalSecret"):
        template = each["spec"]["target"]["template"]["data"]
        found[each["spec"]["target"]["name"]] = {
            key: re.sub(r"{{ \.(\w+) }}", lambda match: VAULT[match[1]], text)
            for key, text in template.items()
        }
    # What operators add.
    for each in of_kind(overlay, "KafkaUser"):
        found[name_of(each)] = {"password": VAULT["POSTGRES_APP_PASSWORD"]}
    for each in of_kind(overlay, "Kafka"):
        found[f"{name_of(each)}-cluster-ca-cert"] = {"ca.crt": ""}
    for each in of_kind(overlay, "Ingress"):
        for tls in each["spec"].get("tls", ()):
            found[tls["secretName"]] = {}
    return found


def environment(overlay: str, pod: Resource) -> dict[str, str]:
    """The variables of the container of a pod."""
    maps = {name_of(each): each["data"] for each in of_kind(overlay, "ConfigMap")}
    variables: dict[str, str] = {}
    container = container_of(pod)
    for source in container.get("envFrom", ()):
        if "configMapRef" in source:
            variables |= maps[source["configMapRef"]["name"]]
        else:
            variables |= secrets(overlay)[source["secretRef"]["name"]]
    for each in container.get("env", ()):
        if "value" in each:
            variables[each["name"]] = each["value"]
        else:
            reference = each["valueFrom"]["secretKeyRef"]
            variables[each["name"]] = secrets(overlay)[reference["name"]][reference["key"]]
    return variables


def walk(node: Any) -> Iterator[Any]:
    """A value and everything below it."""
    yield node
    children: Any = ()
    if isinstance(node, dict):
        children = node.values()
    elif isinstance(node, list):
        children = node
    for child in children:
        yield from walk(child)


#: A secret of Vault as docs/kubernetes.md describes it. The values are random, and used nowhere.
VAULT: Final = {
    "POSTGRES_APP_PASSWORD": "f3b1c07a92d84e6595c1d20b7ea4638f",
    "POSTGRES_OWNER_PASSWORD": "0c94e7a1b85d4f23a6e9d07153bc82fa",
    "REDIS_PASSWORD": "7d20f9b3c4e8416fa05b92d6e1837cb4",
    "REDIS_QUEUE_PASSWORD": "a91c5e72f0d34b8896b7e3402dc15f8e",
    "REDIS_CACHE_PASSWORD": "5be8d316c7f94a20b1d63f9e08a4c72d",
    "REDIS_LIMITS_PASSWORD": "e64a0b97d18c4f35927cb5e0f3d81a6c",
    "JWT_ACCESS_SECRET": "92f7b4c05e1d4a83b6d9f02e71c8a35b4d60e9f8",
    "JWT_REFRESH_SECRET": "1ad8e53c97b04f62a8c5d1f7e03b946a5c72f0e1",
    "ENCRYPTION_KEYS": "c07e4f9a2b8d4615936ea7d0f5b1c842e93d05a7",
    "METRICS_TOKEN": "48d1a6f0c3b9472e85f7d2e60b9c3a14f6e05d8b",
    "BACKUP_ACCESS_KEY_ID": "81f4c0d29e7b",
    "BACKUP_SECRET_ACCESS_KEY": "3c9b07e5f1a84d62b0d7c8e34f5a91d6",
    "BACKUP_REGION": "eu-central-1",
    "AWS_ACCESS_KEY_ID": "b2f08d6e4c1a",
    "AWS_SECRET_ACCESS_KEY": "d70a3e9c5f8b41269b0e7f4d2c6a1835",
}
