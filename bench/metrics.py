"""Batch sizes, waiting times and retries, as the server reports them at /metrics."""

import re
import urllib.error
import urllib.request
from collections import defaultdict
from typing import Any

from bench.servers import Servers

_SAMPLE = re.compile(r"^(payment_flow_\w+)(?:\{[^}]*\})? (\S+)", re.M)

Reading = defaultdict[str, float]


def read(servers: Servers) -> Reading:
    """Our samples by name, summed over labels; empty for a server without /metrics."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{servers.port}/metrics",
        headers={"Authorization": f"Bearer {servers.environment['METRICS_TOKEN']}"},
    )
    try:
        with urllib.request.urlopen(request) as response:  # noqa: S310
            return parse(response.read().decode())
    except urllib.error.HTTPError as error:
        error.close()
        return defaultdict(float)


def parse(text: str) -> Reading:
    samples: Reading = defaultdict(float)
    for name, value in _SAMPLE.findall(text):
        samples[name] += float(value)
    return samples


def purchases(before: Reading, after: Reading) -> dict[str, Any]:
    """Mean batch size, mean milliseconds in the queue, and number of retried transactions."""
    wait = _mean(before, after, "payment_flow_ledger_wait_seconds")
    retries = "payment_flow_transaction_retries_total"
    return {
        "batch": _mean(before, after, "payment_flow_ledger_batch_size"),
        "wait": None if wait is None else wait * 1e3,
        "retries": after[retries] - before[retries] if retries in after else None,
    }


def _mean(before: Reading, after: Reading, histogram: str) -> float | None:
    count = after[f"{histogram}_count"] - before[f"{histogram}_count"]
    total = after[f"{histogram}_sum"] - before[f"{histogram}_sum"]
    return total / count if count > 0 else None
