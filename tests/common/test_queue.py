"""Jobs in Redis, and the worker that runs them."""

import ast
import logging
import pickle
from collections.abc import Iterator, Mapping
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import pytest
import redis
from flask import Flask
from rq import Queue
from rq.job import Callback
from rq.webhook import Webhook

from app.common import jobs, queue, redis_client, tracing
from app.common.ids import new_id
from app.common.settings import PROJECT_ROOT, Settings
from app.common.tracing import Kind, Span, Tracing
from app.worker import JOBS, SCHEDULE, make_worker
from tests.live import wait_until
from tests.silent_proxy import silent_proxy

done: list[Any] = []


def job(*arguments: object) -> None:
    done.append(arguments)


def jobs_of_a_job() -> None:
    queue.enqueue(job, "of a job")


def harm(*arguments: object) -> None:
    done.append("harm")


class Harm:
    """A pickle that calls a function when it is read."""

    def __reduce__(self) -> tuple[Any, ...]:
        return harm, ()


@pytest.fixture(autouse=True)
def configured(worker_app: Flask, settings: Settings) -> Iterator[redis.Redis]:
    client = redis.Redis.from_url(str(settings.redis_url))
    client.flushdb()
    done.clear()
    yield client
    queue.configure(redis_client.connect(str(settings.redis_url)))


def work(connection: redis.Redis) -> None:
    worker = make_worker(queue.NAME, connection)
    jobs.allowed.configure({jobs.name_of(each): each for each in (job, jobs_of_a_job)})
    worker.work(burst=True, logging_level=logging.CRITICAL)


def test_the_worker_runs_enqueued_jobs(configured: redis.Redis) -> None:
    ids = [new_id(), uuid4()]
    queue.enqueue(job, "now", 7, None, ids[0], {"nested": [ids[1]]})

    work(configured)

    assert done == [("now", 7, None, ids[0], {"nested": [ids[1]]})]


def test_a_job_belongs_to_the_trace_of_its_request(configured: redis.Redis) -> None:
    spans: list[Span] = []
    tracing.tracing.configure(Tracing(SimpleNamespace(export=spans.append)))
    request = tracing.begin(None)
    assert request is not None
    queue.enqueue(job, "traced")
    queue.enqueue(jobs_of_a_job)
    tracing.end(request)
    queue.enqueue(job, "not traced")

    work(configured)

    assert [arguments[0] for arguments in done] == ["traced", "not traced", "of a job"]
    _, first, second, third = spans
    assert (first.name, first.kind, first.parent) == ("job", Kind.CONSUMER, request.context)
    assert first.attributes == {"payment_flow.job": jobs.name_of(job)}
    assert third.parent == second.context
    assert tracing.current.get() is None


@pytest.mark.parametrize("meta", [b"[]", b'{"traceparent": 1}', b"no JSON"])
def test_a_job_with_other_metadata_is_run(configured: redis.Redis, meta: bytes) -> None:
    queue.enqueue(job, 1)
    (key,) = configured.keys("rq:job:*")
    configured.hset(key, "meta", meta)

    work(configured)

    assert done == [(1,)]


def test_without_redis_enqueueing_does_not_fail() -> None:
    queue.configure(redis_client.connect("redis://127.0.0.1:1/0"))
    queue.enqueue(job, "lost")


def test_jobs_are_enqueued_once_redis_answers_again(
    configured: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_client, "TIMEOUT_SECONDS", 0.1)
    options = configured.get_connection_kwargs()
    with silent_proxy(options["host"], options["port"]) as proxy:
        url = f"redis://:{options.get('password') or ''}@127.0.0.1:{proxy.port}/{options['db']}"
        queue.configure(redis_client.connect(url))
        proxy.freeze()
        queue.enqueue(job, 1)
        queue.enqueue(job, 2)
        proxy.thaw()

        waiting = queue.open_queue(queue.NAME, configured)
        wait_until(lambda: waiting.count >= 2)
    work(configured)
    assert {(1,), (2,)} == set(done)


class TestFormat:
    def test_a_job_is_json(self, configured: redis.Redis) -> None:
        identifier = UUID("01a1fd06-6c0e-77e3-b5a4-63bd887ed5e6")
        queue.enqueue(job, identifier)

        (found,) = queue.open_queue(queue.NAME, configured).jobs

        name = "tests.common.test_queue.job"
        tagged = '{"$uuid": "01a1fd06-6c0e-77e3-b5a4-63bd887ed5e6"}'
        assert found.data.decode() == f'["{name}", null, [{tagged}], {{}}]'
        assert found.args == [identifier]

    @pytest.mark.parametrize("value", [object(), b"bytes", {1, 2}, 1j])
    def test_nothing_but_json_and_ids_is_written(self, value: object) -> None:
        with pytest.raises(TypeError, match="cannot be an argument of a job"):
            jobs.JsonSerializer.dumps([value])

    @pytest.mark.parametrize("value", [pickle.dumps(Harm()), b"\x80\x04N.", b"not JSON"])
    def test_nothing_but_json_is_read(self, value: bytes) -> None:
        with pytest.raises(ValueError, match=r"codec|Expecting"):
            jobs.JsonSerializer.loads(value)
        assert done == []


class TestForeignJobs:
    """Whatever is in Redis, the worker calls allowed functions only, and goes on."""

    def run(self, connection: redis.Redis, foreign: Queue, *call: Any, **options: Any) -> None:
        foreign.enqueue(*call, **options)
        queue.enqueue(job, "next")
        work(connection)

    def test_pickles_are_not_read(self, configured: redis.Redis) -> None:
        """As an earlier version enqueued them, or an attacker: the work is found by a sweep."""
        earlier = Queue(queue.NAME, connection=configured)

        self.run(configured, earlier, job, Harm(), meta={"harm": Harm()})

        assert done == [("next",)]
        assert queue.open_queue(queue.NAME, configured).failed_job_registry.count == 1

    @pytest.mark.parametrize("name", ["tests.common.test_queue.harm", "os.getcwd", "job", ""])
    def test_other_functions_are_not_called(self, configured: redis.Redis, name: str) -> None:
        self.run(configured, queue.open_queue(queue.NAME, configured), name)

        assert done == [("next",)]

    def test_methods_of_an_argument_are_not_called(self, configured: redis.Redis) -> None:
        foreign = queue.open_queue(queue.NAME, configured)
        made = foreign.enqueue(job, "method")
        data = f'["{jobs.name_of(job)}", "an object", ["method"], {{}}]'
        configured.hset(made.key, "data", data)

        work(configured)

        assert done == []

    @pytest.mark.parametrize(
        "option", ["on_success", "on_failure", "on_stopped", "webhooks"], ids=str
    )
    @pytest.mark.parametrize("call", [job, harm])
    def test_callbacks_and_webhooks_are_ignored(
        self, configured: redis.Redis, monkeypatch: pytest.MonkeyPatch, option: str, call: Any
    ) -> None:
        monkeypatch.setattr(Webhook, "send", lambda *_, **__: done.append("sent"))
        hooks = [Webhook("http://127.0.0.1:1/", status) for status in ("finished", "failed")]
        value = hooks if option == "webhooks" else Callback("tests.common.test_queue.harm")
        foreign = queue.open_queue(queue.NAME, configured)

        self.run(configured, foreign, call, **{option: value})

        assert done == ([()] if call is job else []) + [("next",)]


class TestAllowed:
    def test_the_worker_allows_its_jobs_only(self, configured: redis.Redis) -> None:
        make_worker(queue.NAME, configured)

        allowed: Mapping[str, Any] = jobs.allowed()
        assert set(allowed.values()) == set(JOBS)
        assert {name.rsplit(".", 1)[0].rsplit(".", 1)[1] for name in allowed} == {"tasks"}

    def test_every_function_that_is_enqueued_is_allowed(self) -> None:
        """Those that the code passes to `enqueue`, `enqueue_call` or `enqueue_due`."""
        names = {
            ast.unparse(argument).rpartition(".")[2]
            for path in (PROJECT_ROOT / "app").rglob("*.py")
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Call)
            for argument in _jobs_of(node)
        }
        scheduled = {each for each, _, _ in SCHEDULE}  # which may enqueue another run
        others = {each.__name__ for each in JOBS if each not in scheduled}
        by_schedule = {each.__name__ for each in scheduled} | {"scheduled"}
        assert names - by_schedule == others

    def test_the_schedule_is_within_the_hour(self) -> None:
        assert all(0 <= at < every and 60 % every == 0 for _, every, at in SCHEDULE)


_ENQUEUE = ("queue.enqueue", "queue.enqueue_call")


def _jobs_of(call: ast.Call) -> list[ast.expr]:
    """The arguments of a call that are jobs."""
    function = ast.unparse(call.func)
    if function in _ENQUEUE:
        return call.args[:1]
    is_due = function == "queue.enqueue_due"
    is_partial = function == "partial" and ast.unparse(call.args[0]) in _ENQUEUE
    return call.args[1:2] if is_due or is_partial else []
