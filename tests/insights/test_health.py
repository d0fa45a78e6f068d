"""The health of the system, for administrators."""

from flask.testing import FlaskClient

from app.common import clock
from app.common.db import transaction
from app.common.ids import new_id
from app.health import service as health
from app.insights.health import service
from app.insights.health.models import BackupKind
from app.insights.health.service import BacklogKind
from app.verify import repository as verify
from tests import factories

HEALTH = "/api/v1/insights/health"


def test_the_last_run_of_verify_is_shown(client: FlaskClient) -> None:
    admin = factories.admin()
    assert client.get(HEALTH, headers=admin.headers).json["verification"] is None
    for violated in (0, 2):
        with transaction() as session:
            verify.insert_verification(
                session, id=new_id(), started_at=clock.now(), since=None, violated=violated
            )
    found = client.get(HEALTH, headers=admin.headers).json["verification"]
    assert (found["violated"], found["since"]) == (2, None)
    assert found["startedAt"] <= found["finishedAt"]


def test_checks_and_backlogs_are_those_of_the_probes_and_the_metrics(client: FlaskClient) -> None:
    found = client.get(HEALTH, headers=factories.admin().headers).json
    checks = {each["name"]: each["status"].lower() for each in found["checks"]}
    assert checks == health.check_all()
    assert found["isWell"] == (set(checks.values()) == {"ok"})
    kinds = {each["kind"] for each in found["backlogs"]}
    assert kinds <= set(BacklogKind)
    assert "WEBHOOKS" in kinds
    assert all(each["waiting"] >= 0 and each["delaySeconds"] >= 0 for each in found["backlogs"])


def test_an_archive_that_is_off_has_no_times(client: FlaskClient) -> None:
    archive = client.get(HEALTH, headers=factories.admin().headers).json["archive"]
    assert archive == {"isOn": False, "archivedAt": None, "failedAt": None}


def test_the_last_backup_is_shown_and_measured(client: FlaskClient) -> None:
    admin = factories.admin()
    assert client.get(HEALTH, headers=admin.headers).json["backup"] is None
    assert service.backup_gauges() == []
    for kind in BackupKind:
        with transaction() as session:
            service.record_backup(session, kind=kind, size=41_000_000, started_at=clock.now())
    found = client.get(HEALTH, headers=admin.headers).json["backup"]
    assert (found["kind"], found["size"]) == ("INCREMENTAL", 41_000_000)
    assert found["startedAt"] <= found["finishedAt"]
    (gauge,) = service.backup_gauges()
    assert gauge.name == "payment_flow_last_backup_timestamp_seconds"
    assert abs(gauge.values["INCREMENTAL"] - clock.now().timestamp()) < 60
