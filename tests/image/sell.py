"""Every service of the image is started, and a licence is sold: `python -m tests.image.sell ROOT`.

It runs in a network namespace of its own, where the ports of the services are free.
"""

import base64
import json
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from sqlalchemy import make_url

from app.local.embedded import PostgresServer, RedisServer
from tests.console.helpers import Account, add_licence_product, buy, call
from tests.environment import REQUIRED
from tests.image.containers import SERVICES, USER, Containers
from tests.live import Api

_KEY: Final = "whsec_" + base64.b64encode(b"a key of at least 32 bytes, for checks").decode()
#: http, deposits without a bank, and the sandboxes are for development.
_DEVELOPMENT: Final = {
    "APP_ENV": "development",
    "PUBLIC_URL": "http://127.0.0.1:3000",
    "BANK_PROVIDERS": json.dumps(
        [{"code": "HDFC", "name": "HDFC", "url": "http://bank.localhost:3003/hdfc", "keys": [_KEY]}]
    ),
    "STRIPE_SECRET_KEY": "sk_test_payment_flow",
    "STRIPE_WEBHOOK_SECRETS": _KEY,
}


def containers_of(
    root: Path, config: dict[str, Any], folder: Path, postgres: PostgresServer, redis: RedisServer
) -> Containers:
    app, owner = make_url(postgres.app_url), make_url(postgres.owner_url)
    folders = folder / "containers"
    folders.mkdir()
    made = Containers(
        root,
        config,
        folders,
        values={
            **REQUIRED,
            "POSTGRES_APP_PASSWORD": str(app.password),
            "POSTGRES_OWNER_PASSWORD": str(owner.password),
        },
        replaced={
            "@postgres:5432": f"@127.0.0.1:{app.port}",
            r"redis://\w+:[^@]*@redis:6379/0": redis.url,
        },
    )
    made.make_folders()
    return made


def check(containers: Containers) -> None:
    migrate = containers.environment("migrate")
    assert containers.run(["python", "-m", "app.cli", "migrate"], migrate) == 0
    user, *_ = USER.split(":")
    assert containers.run(["sh", "-c", f'test "$(id -u)" = {user}'], migrate) == 0
    assert containers.run(["sh", "-c", "! touch /srv/anything 2>/dev/null"], migrate) == 0
    with containers.started("web"):
        _say("web starts in production")
    development = replace(containers, values={**containers.values, **_DEVELOPMENT})
    with ExitStack() as running:
        for name in SERVICES:
            if name != "migrate":
                running.enter_context(development.started(name))
                _say(f"{name} is healthy")
        _sell(Api("http://127.0.0.1:3000"))
    verify = ["python", "-m", "app.cli", "verify"]
    assert development.run(verify, development.environment("web")) == 0


def _sell(api: Api) -> None:
    seller = Account("seller@example.com", api.sign_up("seller", role="MERCHANT"))
    buyer = Account("buyer@example.com", api.sign_up("buyer", balance="100.00"))
    order = buy(api, buyer, add_licence_product(api, seller))
    assert order["status"] == "COMPLETED", order
    delivery = call(api, buyer.token, "GET", f"/orders/{order['id']}/delivery")
    assert delivery["licences"][0]["key"], delivery
    _say("a licence was sold and delivered")


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201


def main(root: str, config: str) -> None:
    with tempfile.TemporaryDirectory(prefix="payment-flow-image-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        postgres = PostgresServer.start(folder / "postgres", settings={"fsync": "off"})
        try:
            redis = RedisServer.start(folder / "redis")
            try:
                given = json.loads(Path(config).read_text())
                check(containers_of(Path(root), given, folder, postgres, redis))
            finally:
                redis.stop()
        finally:
            postgres.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])
