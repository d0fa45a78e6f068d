"""The metrics that can be queried, with their labels: ours, read from the code, and those of the
exporters of docker-compose.yml that rules and dashboards use."""

import ast
from collections.abc import Iterator
from functools import cache
from typing import Final

from app.common.settings import PROJECT_ROOT

Metrics = dict[str, frozenset[str]]

#: The exporters, by the job that scrapes them.
EXPORTERS: Final[dict[str, dict[str, str]]] = {
    # postgres_exporter 0.17
    "postgres": {
        "pg_up": "",
        "pg_settings_max_connections": "server",
        "pg_stat_activity_count": "server datname state usename application_name backend_type",
        "pg_stat_activity_max_tx_duration": "server datname state usename application_name",
        "pg_stat_database_xact_commit": "server datid datname",
        "pg_stat_database_xact_rollback": "server datid datname",
        "pg_stat_database_deadlocks": "server datid datname",
        "pg_stat_database_blks_hit": "server datid datname",
        "pg_stat_database_blks_read": "server datid datname",
        "pg_stat_database_tup_inserted": "server datid datname",
        "pg_stat_database_tup_updated": "server datid datname",
        "pg_stat_database_temp_bytes": "server datid datname",
        "pg_database_size_bytes": "server datname",
        "pg_locks_count": "server datname mode",
        "pg_replication_lag_seconds": "",
    },
    # redis_exporter 1.67
    "redis": {
        "redis_up": "",
        "redis_memory_used_bytes": "",
        "redis_memory_max_bytes": "",
        "redis_connected_clients": "",
        "redis_blocked_clients": "",
        "redis_commands_processed_total": "",
        "redis_evicted_keys_total": "",
        "redis_aof_last_write_status": "",
        "redis_db_keys": "db",
        "redis_slowlog_length": "",
    },
    "blackbox-http": {
        "probe_success": "",
        "probe_duration_seconds": "",
        "probe_ssl_earliest_cert_expiry": "",
    },
    # The exporter that is a part of HAProxy.
    "haproxy": {
        "haproxy_server_status": "proxy server state",
        "haproxy_backend_http_responses_total": "proxy code",
        "haproxy_frontend_current_sessions": "proxy",
    },
    "prometheus": {
        "prometheus_rule_evaluation_failures_total": "rule_group",
        "prometheus_notifications_dropped_total": "alertmanager",
        "prometheus_tsdb_head_series": "",
    },
}
#: Written by Prometheus itself.
BUILT_IN: Final[Metrics] = {
    "up": frozenset(),
    "ALERTS": frozenset({"alertname", "alertstate", "severity"}),
}
#: Of every series that is scraped.
SCRAPED: Final = frozenset({"job", "instance"})


@cache
def application() -> Metrics:
    """The metrics of the application: each call that declares one, in all processes."""
    found: Metrics = {}
    for path in sorted((PROJECT_ROOT / "app").rglob("*.py")):
        text = path.read_text()
        if "metrics" not in text and "Gauge(" not in text:
            continue
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Call):
                found |= _declared(node)
    return found


def all_metrics() -> Metrics:
    """Everything that is scraped."""
    exporters = {
        name: frozenset(labels.split()) | SCRAPED
        for metrics in EXPORTERS.values()
        for name, labels in metrics.items()
    }
    ours = {name: labels | SCRAPED for name, labels in application().items()}
    built_in = {name: labels | SCRAPED for name, labels in BUILT_IN.items()}
    return {**ours, **exporters, **built_in}


def _declared(call: ast.Call) -> Metrics:
    function = call.func.attr if isinstance(call.func, ast.Attribute) else ast.unparse(call.func)
    texts = list(_texts(call))
    if not texts:
        return {}
    name, *rest = texts
    match function:
        case "counter" | "SafeCounter":
            return {name: frozenset(rest[1:])}
        case "histogram" | "SafeHistogram":
            return _histogram(name, frozenset(rest[1:]))
        case "Gauge":
            return {name: frozenset(rest[1:2])}
        case "queue_observer" | "batch_observer":
            sizes = _histogram(f"payment_flow_{name}_batch_size", frozenset())
            return {
                **_histogram(f"payment_flow_{name}_wait_seconds", frozenset()),
                f"payment_flow_{name}_refused_total": frozenset({"reason"}),
                **(sizes if function == "batch_observer" else {}),
            }
    return {}


def _texts(call: ast.Call) -> Iterator[str]:
    """The arguments of a call that are texts, up to the first that is not."""
    for argument in call.args:
        if not (isinstance(argument, ast.Constant) and isinstance(argument.value, str)):
            return
        yield argument.value


def _histogram(name: str, labels: frozenset[str]) -> Metrics:
    return {
        f"{name}_bucket": labels | {"le"},
        f"{name}_sum": labels,
        f"{name}_count": labels,
    }
