"""deploy/kubernetes: valid resources, references that lead somewhere, pods without privileges."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml
from kubernetes_validate import utils

from app import VERSION
from app.common.settings import PROJECT_ROOT
from tests.compose import SERVICES
from tests.deploy.kustomize import Resource, references, render
from tests.deploy.manifests import (
    COMMANDS,
    KUBERNETES,
    OVERLAYS,
    PART,
    container_of,
    manifests,
    matches,
    name_of,
    named,
    of_kind,
    own_pods,
    pods,
    secrets,
    tree,
    walk,
)

#: The oldest version that has everything we use (`sleep` before a pod stops), and the newest whose
#: schemas we have.
VERSIONS = ("1.30", "1.37")
SCHEMAS = Path(__file__).parent / "schemas"
#: Groups of Kubernetes itself; those of operators are in SCHEMAS.
OPERATORS = {
    "postgresql.cnpg.io", "barmancloud.cnpg.io", "kafka.strimzi.io", "external-secrets.io",
    "monitoring.coreos.com",
}  # fmt: skip
#: Labels of pods that others run.
FOREIGN_LABELS = (
    {"cnpg.io/cluster": "postgres"},
    {"strimzi.io/cluster": "events", "strimzi.io/kind": "Kafka"},
    {"k8s-app": "kube-dns"},
    {"app.kubernetes.io/name": "traefik"},
)

each_overlay = pytest.mark.parametrize("overlay", OVERLAYS)


def is_of_operator(resource: Resource) -> bool:
    return resource["apiVersion"].partition("/")[0] in OPERATORS


@each_overlay
@pytest.mark.parametrize("version", VERSIONS)
def test_resources_are_valid(overlay: str, version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # It would read a file of two megabytes for each resource.
    monkeypatch.setattr(utils, "schema_contents", cache(utils.schema_contents))
    for resource in manifests(overlay):
        if not is_of_operator(resource):
            kubernetes_validate.validate(resource, version, strict=True)


def test_an_unknown_field_is_not_valid() -> None:
    resource = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": {}}
    kubernetes_validate.validate(resource, VERSIONS[-1], strict=True)
    resource["spec"] = {"selectors": {"app": "web"}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(resource, VERSIONS[-1], strict=True)


def require_valid(resource: Resource) -> None:
    schema = json.loads((SCHEMAS / f"{resource['kind'].lower()}.json").read_text())
    jsonschema.validate(resource, schema)


@each_overlay
def test_custom_resources_are_valid(overlay: str) -> None:
    found = [each for each in manifests(overlay) if is_of_operator(each)]
    assert found
    for resource in found:
        require_valid(resource)


@each_overlay
@pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not installed")
def test_kubectl_renders_the_same(overlay: str) -> None:
    command = ["kubectl", "kustomize", tree() / "overlays" / overlay]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def by_name(resources: Iterator[Resource]) -> dict[tuple[str, str], Resource]:
        return {(each["kind"], name_of(each)): each for each in resources}

    theirs = by_name(yaml.safe_load_all(output))
    for resource in theirs.values():
        if resource["kind"] == "Secret":  # kubectl breaks lines
            resource["data"] = {k: re.sub(r"\s", "", v) for k, v in resource["data"].items()}
    assert by_name(iter(manifests(overlay))) == theirs


@each_overlay
def test_names_are_unique_and_in_the_namespace(overlay: str) -> None:
    names = [(each["kind"], name_of(each)) for each in manifests(overlay)]
    assert len(set(names)) == len(names)
    (namespace,) = of_kind(overlay, "Namespace")
    for each in manifests(overlay):
        if each is not namespace:
            assert each["metadata"]["namespace"] == name_of(namespace)


def test_every_file_is_used() -> None:
    """prometheus-adapter.yaml is for another program."""
    used: set[Path] = set()
    for path in KUBERNETES.rglob("kustomization.yaml"):
        own = yaml.safe_load(path.read_text())
        names = [*own.get("resources", ()), *(each["path"] for each in own.get("patches", ()))]
        for each in [*own.get("configMapGenerator", ()), *own.get("secretGenerator", ())]:
            names += [*each.get("envs", ()), *each.get("files", ())]
        used |= {(path.parent / name).resolve() for name in names} | {path.resolve()}
    files = {path for path in KUBERNETES.rglob("*") if path.suffix in (".yaml", ".env", ".conf")}
    assert {path.name for path in files - used} <= {"prometheus-adapter.yaml"}


@each_overlay
def test_config_maps_and_secrets_exist(overlay: str) -> None:
    maps = {name_of(each): each["data"] for each in of_kind(overlay, "ConfigMap")}
    exist: dict[str, Any] = {"ConfigMap": maps, "Secret": secrets(overlay)}
    found = 0
    for name, pod in pods(overlay).items():
        for reference, kind, key in references(pod):
            content = exist[kind].get(reference[key])
            assert content is not None, f"{name} names {kind} {reference[key]}"
            keys = [item["key"] for item in reference.get("items", ())]
            keys += [reference["key"]] if "key" in reference else []
            assert not set(keys) - content.keys()
            found += 1
    assert found >= 6


@each_overlay
def test_secrets_of_custom_resources_exist(overlay: str) -> None:
    cluster = named(overlay, "Cluster", "postgres")["spec"]
    owner = secrets(overlay)[cluster["bootstrap"]["initdb"]["secret"]["name"]]
    assert owner["username"] == cluster["bootstrap"]["initdb"]["owner"]
    (role,) = cluster["managed"]["roles"]
    app = secrets(overlay)[role["passwordSecret"]["name"]]
    assert app["username"] == role["name"]
    assert owner["password"] != app["password"]
    for monitor in of_kind(overlay, "PodMonitor"):
        for endpoint in monitor["spec"]["podMetricsEndpoints"]:
            reference = endpoint["authorization"]["credentials"]
            assert reference["key"] in secrets(overlay)[reference["name"]]
    accounts = {name_of(each) for each in of_kind(overlay, "ServiceAccount")}
    stores = {name_of(each): each for each in of_kind(overlay, "SecretStore")}
    for store in stores.values():
        login = store["spec"]["provider"]["vault"]["auth"]["kubernetes"]
        assert login["serviceAccountRef"]["name"] in accounts
    for each in of_kind(overlay, "ExternalSecret"):
        assert each["spec"]["secretStoreRef"]["name"] in stores


def test_the_database_of_production_is_backed_up() -> None:
    store = named("production", "ObjectStore", "backups")["spec"]
    for reference in store["configuration"]["s3Credentials"].values():
        assert reference["key"] in secrets("production")[reference["name"]]
    cluster = named("production", "Cluster", "postgres")
    (plugin,) = cluster["spec"]["plugins"]
    assert plugin["isWALArchiver"] is True
    assert plugin["parameters"]["barmanObjectName"] == "backups"
    backup = named("production", "ScheduledBackup", "nightly")["spec"]
    assert backup["cluster"]["name"] == name_of(cluster)
    assert (backup["method"], backup["pluginConfiguration"]["name"]) == ("plugin", plugin["name"])
    # The first field is seconds.
    assert len(backup["schedule"].split()) == 6


def test_a_restored_database_reads_the_archive_and_never_writes_to_it(tmp_path: Path) -> None:
    """With the component `restore`, which no overlay has until it is needed."""
    file = shutil.copytree(tree(), tmp_path / "copy") / "overlays/production/kustomization.yaml"
    backups, restore = (f"  - ../../components/{name}\n" for name in ("backups", "restore"))
    file.write_text(file.read_text().replace(backups, backups + restore))
    (cluster,) = [each for each in render(file.parent) if each["kind"] == "Cluster"]
    require_valid(cluster)
    spec, original = cluster["spec"], named("production", "Cluster", "postgres")["spec"]
    recovery, initial = spec["bootstrap"]["recovery"], original["bootstrap"]["initdb"]
    assert spec["bootstrap"].keys() == {"recovery"}
    for name in ("database", "owner", "secret"):
        assert recovery[name] == initial[name]
    (source,) = spec["externalClusters"]
    assert recovery["source"] == source["name"]
    read, write = source["plugin"]["parameters"], spec["plugins"][0]["parameters"]
    assert read == original["plugins"][0]["parameters"]
    assert write["barmanObjectName"] == read["barmanObjectName"]
    assert write["serverName"] != read["serverName"]


@each_overlay
def test_pods_find_their_accounts_and_volumes(overlay: str) -> None:
    accounts = {name_of(each) for each in of_kind(overlay, "ServiceAccount")}
    claims = {name_of(each) for each in of_kind(overlay, "PersistentVolumeClaim")}
    for workload in of_kind(overlay, "Deployment", "StatefulSet", "Job"):
        spec = workload["spec"]["template"]["spec"]
        assert spec["serviceAccountName"] in accounts
        volumes = {each["name"]: each for each in spec.get("volumes", ())}
        templates = workload["spec"].get("volumeClaimTemplates", ())
        mounted = {
            mount["name"]
            for container in spec["containers"]
            for mount in container.get("volumeMounts", ())
        }
        assert mounted == volumes.keys() | {name_of(each) for each in templates}
        for volume in volumes.values():
            if "persistentVolumeClaim" in volume:
                assert volume["persistentVolumeClaim"]["claimName"] in claims


@each_overlay
def test_selectors_match_pods(overlay: str) -> None:
    templates = pods(overlay)
    for workload in of_kind(overlay, "Deployment", "StatefulSet"):
        labels = workload["spec"]["template"]["metadata"]["labels"]
        assert matches(workload["spec"]["selector"], labels)
        for spread in workload["spec"]["template"]["spec"].get("topologySpreadConstraints", ()):
            assert matches(spread["labelSelector"], labels)
        # No other workload takes its pods.
        others = [pod["metadata"]["labels"] for pod in templates.values()]
        assert sum(matches(workload["spec"]["selector"], each) for each in others) == 1
    for budget in of_kind(overlay, "PodDisruptionBudget"):
        labels = templates[name_of(budget)]["metadata"]["labels"]
        assert matches(budget["spec"]["selector"], labels)
        assert budget["spec"]["maxUnavailable"] == 1
    assert {name_of(each) for each in of_kind(overlay, "PodDisruptionBudget")} == {
        "web", "worker", "live",
    }  # fmt: skip
    for monitor in of_kind(overlay, "PodMonitor"):
        assert monitor["spec"]["selector"]["matchLabels"] == PART


@each_overlay
def test_services_lead_to_ports_of_pods(overlay: str) -> None:
    services = {name_of(each): each["spec"] for each in of_kind(overlay, "Service")}
    for name, service in services.items():
        pod = pods(overlay)[name]
        assert service["selector"].items() <= pod["metadata"]["labels"].items()
        ports = {each["name"]: each["containerPort"] for each in container_of(pod)["ports"]}
        for port in service["ports"]:
            assert ports[port["targetPort"]] == port["port"]
    (ingress,) = of_kind(overlay, "Ingress")
    rules = ingress["spec"]["rules"]
    for rule in rules:
        for path in rule["http"]["paths"]:
            backend = path["backend"]["service"]
            names = [each["name"] for each in services[backend["name"]]["ports"]]
            assert backend["port"]["name"] in names
    hosts = {rule["host"] for rule in rules}
    for tls in ingress["spec"].get("tls", ()):
        assert set(tls["hosts"]) == hosts
    assert "tls" in ingress["spec"] or overlay == "k3s"


@each_overlay
def test_autoscalers_name_deployments_and_leave_them_their_replicas(overlay: str) -> None:
    scaled = set()
    for scaler in of_kind(overlay, "HorizontalPodAutoscaler"):
        target = scaler["spec"]["scaleTargetRef"]
        deployment = named(overlay, target["kind"], target["name"])
        assert "replicas" not in deployment["spec"]
        assert scaler["spec"]["minReplicas"] <= scaler["spec"]["maxReplicas"]
        # A share of what is requested.
        assert "cpu" in container_of(deployment["spec"]["template"])["resources"]["requests"]
        scaled.add(target["name"])
    assert scaled == {"web", "worker"}


@each_overlay
def test_network_policies_name_pods_and_their_ports(overlay: str) -> None:
    own = [pod["metadata"]["labels"] for pod in pods(overlay).values()]
    ports = {
        port["name"]
        for pod in pods(overlay).values()
        for port in container_of(pod).get("ports", ())
    }
    policies = of_kind(overlay, "NetworkPolicy")
    for policy in policies:
        for node in walk(policy["spec"]):
            if not isinstance(node, dict):
                continue
            if selector := node.get("podSelector"):
                assert any(matches(selector, labels) for labels in (*own, *FOREIGN_LABELS))
            port = node.get("port")
            assert not isinstance(port, str) or port in ports
    # Nothing of ours is without a policy in either direction.
    (deny,) = [each for each in policies if name_of(each) == "default-deny"]
    assert deny["spec"] == {
        "podSelector": {"matchLabels": PART},
        "policyTypes": ["Ingress", "Egress"],
    }
    assert all(matches(deny["spec"]["podSelector"], labels) for labels in own)


@each_overlay
def test_pods_have_no_privileges(overlay: str) -> None:
    """What the level `restricted` of the Pod Security Standards requires, and more."""
    for name, pod in pods(overlay).items():
        spec, container = pod["spec"], container_of(pod)
        assert spec["automountServiceAccountToken"] is False
        # They would set REDIS_PORT and LIVE_PORT to addresses.
        assert spec["enableServiceLinks"] is False
        user = spec["securityContext"]
        assert user["runAsNonRoot"] is True
        assert user["seccompProfile"] == {"type": "RuntimeDefault"}
        assert user["runAsUser"] == (10001 if name in COMMANDS else 999)
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert not {"hostNetwork", "hostPID", "hostIPC"} & spec.keys()
        kinds = {kind for each in spec.get("volumes", ()) for kind in each.keys() - {"name"}}
        assert kinds <= {"emptyDir", "configMap", "secret", "persistentVolumeClaim"}


def test_the_user_is_the_one_of_the_image() -> None:
    assert "useradd --uid 10001 --gid flow" in (PROJECT_ROOT / "Dockerfile").read_text()


@each_overlay
def test_only_shared_metrics_take_an_empty_folder(overlay: str) -> None:
    """Nothing else is written below /tmp: the live process and `migrate` have none."""
    for name, pod in own_pods(overlay).items():
        folders = [each for each in pod["spec"].get("volumes", ()) if "emptyDir" in each]
        assert bool(folders) == (name in ("web", "worker"))
        for folder in folders:
            assert folder["emptyDir"]["sizeLimit"]
            mounts = container_of(pod)["volumeMounts"]
            assert {"name": folder["name"], "mountPath": "/tmp"} in mounts


@each_overlay
def test_memory_is_limited_and_requested(overlay: str) -> None:
    for pod in pods(overlay).values():
        resources = container_of(pod)["resources"]
        assert {"cpu", "memory"} <= resources["requests"].keys()
        assert "memory" in resources["limits"]


@each_overlay
def test_images_are_named_exactly(overlay: str) -> None:
    for name, pod in pods(overlay).items():
        image = container_of(pod)["image"]
        if name in COMMANDS:
            image = image.removesuffix(f"payment-flow:{VERSION}")
        assert not image or image.endswith("/") or re.search(r"@sha256:[0-9a-f]{64}$", image)


@each_overlay
def test_servers_have_the_versions_of_compose(overlay: str) -> None:
    assert container_of(pods(overlay)["redis"])["image"] == SERVICES["redis"]["image"]
    major = re.search(r"postgres:(\d+)", SERVICES["postgres"]["image"])
    assert major is not None
    cluster = named(overlay, "Cluster", "postgres")["spec"]
    assert cluster["imageName"].endswith(f"/postgresql:{major[1]}")
    for kafka in of_kind(overlay, "Kafka"):
        version = kafka["spec"]["kafka"]["version"]
        assert f"apache/kafka:{version}@" in SERVICES["kafka"]["image"]
