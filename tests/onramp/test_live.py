"""An on-ramp in running processes: real HTTP, a real worker, a clean shutdown."""

import json
import signal

import psutil
import psycopg
import pytest
import redis

from app.banks.providers import from_settings
from app.common import queue, redis_client
from app.common.settings import Settings
from app.storage.tasks import remove_unreferenced
from tests.banks.webhooks import event_body, signed_headers
from tests.live import LiveServer, wait_until

ONRAMP = "/api/v1/onramp"


@pytest.mark.stress
def test_a_webhook_is_credited_while_another_bank_is_slow(
    live_server: LiveServer, settings: Settings
) -> None:
    connection = redis.Redis.from_url(str(settings.redis_url))
    connection.flushdb()
    queue.configure(redis_client.connect(str(settings.redis_url)))
    blocker = psycopg.connect(live_server.database.owner_url.replace("+psycopg", ""))
    blocker.execute("LOCK TABLE file_contents IN ACCESS EXCLUSIVE MODE")
    queue.enqueue_call(remove_unreferenced)  # waits for the lock, as for a slow bank
    slow = queue.open_queue(queue.OUTBOUND, connection).started_job_registry
    token = live_server.sign_up("alice")
    me = live_server.call("GET", "/api/v1/auth/me", token=token).json
    bank = from_settings(settings)[0]
    onramp = live_server.call(
        "POST", ONRAMP, {"provider": bank.code, "amount": "25.00"}, token=token
    ).json
    event = event_body(
        "payment.succeeded",
        onramp["token"],
        amount=onramp["amount"],
        currency=onramp["currency"],
        userId=me["id"],
    )
    headers = signed_headers(json.dumps(event).encode(), key=bank.keys[0], event_id=event["id"])

    def balance() -> str:
        amount: str = live_server.call("GET", "/api/v1/wallet", token=token).json["balance"]
        return amount

    with live_server.worker() as worker:
        path = f"{ONRAMP}/webhooks/{bank.code}"
        assert live_server.call("POST", path, event, headers=headers).status == 200
        wait_until(lambda: balance() == "25.00" and slow.count == 1, seconds=45)
        helpers = psutil.Process(worker.pid).children(recursive=True)
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(25) == 0
        assert not psutil.wait_procs(helpers, timeout=5)[1]
    blocker.close()
    shown = live_server.call("GET", f"{ONRAMP}/{onramp['id']}", token=token).json
    assert (shown["status"], shown["late"]) == ("SUCCESS", False)


@pytest.mark.stress
def test_the_children_of_a_worker_end_with_it(live_server: LiveServer) -> None:
    with live_server.worker() as worker:
        process = psutil.Process(worker.pid)
        wait_until(lambda: len(process.children(recursive=True)) >= 2, seconds=30)
        helpers = process.children(recursive=True)
        process.kill()
        assert not psutil.wait_procs(helpers, timeout=20)[1]
