"""Every service of the images is started, a licence is sold, and a backup of it is made:
`python -m tests.image.sell FILE`, with the images as JSON.

It runs in a network namespace of its own, where the ports of the services are free.
"""

import base64
import json
import secrets
import sys
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Final

from sqlalchemy import make_url

from app.local.embedded import PostgresServer, RedisServer
from tests.console.helpers import Account, add_licence_product, buy, call
from tests.environment import REQUIRED
from tests.image.containers import SERVICES, USER, Containers, Image
from tests.live import Api, wait_until

_KEY: Final = "whsec_" + base64.b64encode(b"a key of at least 32 bytes, for checks").decode()
_BACKUP: Final = ("python", "-m", "app.cli", "backup")
_SERVER: Final = {"fsync": "off", "summarize_wal": "on"}
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
    images: Mapping[str, Image], folder: Path, postgres: PostgresServer, redis: RedisServer
) -> Containers:
    app, owner, backup = map(make_url, (postgres.app_url, postgres.owner_url, postgres.backup_url))
    folders = folder / "containers"
    folders.mkdir()
    made = Containers(
        images,
        folders,
        values={
            **REQUIRED,
            "POSTGRES_APP_PASSWORD": str(app.password),
            "POSTGRES_OWNER_PASSWORD": str(owner.password),
            "POSTGRES_BACKUP_PASSWORD": str(backup.password),
            "BACKUP_KEYS": secrets.token_hex(32),
        },
        replaced={
            "@postgres:5432": f"@127.0.0.1:{app.port}",
            r"redis://\w+:[^@]*@redis:6379/0": redis.url,
        },
    )
    made.make_folders()
    return made


def check(containers: Containers) -> None:
    assert containers.run("migrate", ["python", "-m", "app.cli", "migrate"]) == 0
    user, *_ = USER.split(":")
    assert containers.run("migrate", ["sh", "-c", f'test "$(id -u)" = {user}']) == 0
    assert containers.run("migrate", ["sh", "-c", "! touch /srv/anything 2>/dev/null"]) == 0
    with containers.started("web"):
        _say("web starts in production")
    development = replace(containers, values={**containers.values, **_DEVELOPMENT})
    with ExitStack() as running:
        for name in SERVICES:
            if name != "migrate":
                running.enter_context(development.started(name))
                _say(f"{name} is healthy")
        _sell(Api("http://127.0.0.1:3000"))
        # The first one may still be being made.
        wait_until(lambda: development.run("backup", [*_BACKUP, "--full"]) == 0, seconds=120)
        assert development.run("backup", [*_BACKUP, "verify"]) == 0
    assert development.run("web", ["python", "-m", "app.cli", "verify"]) == 0
    into = ["restore", "--into", "/tmp/restored"]
    assert development.run("backup", ["python", "-m", "app.cli", *into]) == 0


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


def main(file: str) -> None:
    images = {
        name: Image(Path(given["root"]), given["config"])
        for name, given in json.loads(Path(file).read_text()).items()
    }
    with tempfile.TemporaryDirectory(prefix="payment-flow-image-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        postgres = PostgresServer.start(folder / "postgres", settings=_SERVER)
        try:
            redis = RedisServer.start(folder / "redis")
            try:
                check(containers_of(images, folder, postgres, redis))
            finally:
                redis.stop()
        finally:
            postgres.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])
