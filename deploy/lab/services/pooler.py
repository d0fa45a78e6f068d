"""PgBouncer, with the configuration of the containers: deploy/pgbouncer/pgbouncer.ini."""

import re

from app.common.settings import PROJECT_ROOT
from app.local.embedded import postgres
from deploy.lab.hosts import READS_PORT, WRITES_PORT, address
from deploy.lab.machine import Machine
from deploy.lab.packages import path_of

NAME = "pooler/pgbouncer"
#: The replicas, for clients of the pooler.
READS_DATABASE = f"{postgres.DATABASE}_reads"


def start(machine: Machine) -> None:
    app = postgres.APP
    users = machine.write("pooler/users.txt", f'"{app}" "{machine.secret(app)}"\n')
    text = configuration((PROJECT_ROOT / "deploy/pgbouncer/pgbouncer.ini").read_text(), str(users))
    path = machine.write("pooler/pgbouncer.ini", text)
    machine.start(NAME, [path_of("pgbouncer"), path], as_user=True)


def configuration(text: str, users: str) -> str:
    """text: the configuration of the containers."""
    changes = (
        (r"host=postgres port=5432", f"host={address('balancer')} port={WRITES_PORT}"),
        (r"(?m)^listen_addr = .*$", f"listen_addr = {address('pooler')}"),
        (r"(?m)^auth_file = .*$", f"auth_file = {users}"),
        (r"(?m)^auth_type = ", "unix_socket_dir =\nauth_type = "),
        # Debian 12 has 1.18, which does not know which connection has which prepared statement:
        # DATABASE_PREPARE_THRESHOLD=0 of the application.
        (r"(?m)^max_prepared_statements = .*\n", ""),
    )
    for pattern, value in changes:
        text, count = re.subn(pattern, value, text)
        if count != 1:
            raise ValueError(f"deploy/pgbouncer/pgbouncer.ini has no {pattern}")
    (writes,) = re.findall(rf"(?m)^{postgres.DATABASE} = .*$", text)
    reads = writes.replace(f"port={WRITES_PORT}", f"port={READS_PORT}")
    reads = reads.replace(postgres.DATABASE, READS_DATABASE, 1)
    return text.replace(writes, f"{writes}\n{reads}")
