"""Metrics of webhooks."""

from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families

TOKEN = "a-token-for-scraping"
AUTHORIZED = {"Authorization": f"Bearer {TOKEN}"}


def webhooks_by_outcome(client: FlaskClient, source: str, **labels: str) -> dict[str, float]:
    """The number of webhooks by outcome. source: `bank` or `gateway`."""
    exposition = client.get("/metrics", headers=AUTHORIZED).text
    return {
        sample.labels["outcome"]: sample.value
        for family in text_string_to_metric_families(exposition)
        for sample in family.samples
        if sample.name == f"payment_flow_{source}_webhooks_total"
        and labels.items() <= sample.labels.items()
    }
