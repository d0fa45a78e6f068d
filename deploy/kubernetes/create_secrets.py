#!/usr/bin/env python3
"""Write random secrets for the overlay k3s, once: existing ones are kept.

python3 deploy/kubernetes/create_secrets.py            # to overlays/k3s/secrets
python3 deploy/kubernetes/create_secrets.py FOLDER
"""

import secrets
import sys
from pathlib import Path

FOLDER = Path(__file__).parent / "overlays" / "k3s" / "secrets"

#: The rules of each user of Redis, as in app/local/embedded/redis.py.
REDIS_USERS = {
    "cache": "~cache:* ~circuit:* resetchannels +@all -@admin -@dangerous +client|setname &cache:*",
    "limits": "~LIMITS* resetchannels +@all -@admin -@dangerous +client|setname",
    "queue": "~rq:* ~events:* ~live:* resetchannels +@all -@admin -@dangerous +client|setname"
    " &rq:* +client|list +info",
}


def main(arguments: list[str]) -> int:
    folder = Path(arguments[0]) if arguments else FOLDER
    if folder.exists():
        print(f"{folder} exists, and is kept.")  # noqa: T201
        return 0
    folder.mkdir(mode=0o700, parents=True)
    for name, text in contents().items():
        path = folder / name
        path.touch(mode=0o600)
        path.write_text(text)
    print(f"Written to {folder}. Keep ENCRYPTION_KEYS: nothing else decrypts what it encrypts.")  # noqa: T201
    return 0


def contents() -> dict[str, str]:
    """The text of each file."""
    owner, app, admin = (secrets.token_hex(24) for _ in range(3))
    passwords = {user: secrets.token_hex(24) for user in REDIS_USERS}

    def database(role: str, password: str) -> str:
        return f"postgresql://{role}:{password}@postgres-rw:5432/payment_flow?sslmode=require"

    def redis(user: str) -> str:
        return f"redis://{user}:{passwords[user]}@redis:6379/0"

    settings = {
        "DATABASE_URL": database("payment_flow_app", app),
        "REDIS_URL": redis("queue"),
        "REDIS_CACHE_URL": redis("cache"),
        "REDIS_LIMITS_URL": redis("limits"),
        "JWT_ACCESS_SECRET": secrets.token_hex(32),
        "JWT_REFRESH_SECRET": secrets.token_hex(32),
        "ENCRYPTION_KEYS": secrets.token_hex(32),
        "METRICS_TOKEN": secrets.token_hex(32),
    }
    users = {"default": f">{admin} ~* &* +@all"} | {
        user: f">{passwords[user]} {rules}" for user, rules in REDIS_USERS.items()
    }
    return {
        "payment-flow.env": _lines(settings),
        "payment-flow-owner.env": _lines(
            {"MIGRATION_DATABASE_URL": database("payment_flow_owner", owner)}
        ),
        "database-owner.env": _lines({"username": "payment_flow_owner", "password": owner}),
        "database-app.env": _lines({"username": "payment_flow_app", "password": app}),
        "redis.env": _lines({"password": admin}),
        "users.acl": "".join(f"user {user} on {rules}\n" for user, rules in users.items()),
    }


def _lines(values: dict[str, str]) -> str:
    return "".join(f"{name}={value}\n" for name, value in values.items())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
