"""nginx as the gateway: TLS and HTTP/2, the rate limit at the edge, request ids, WebSocket."""

import ssl
import subprocess
from pathlib import Path

from deploy.lab.hosts import LIVE_PORT, WEB_PORT, address, endpoint
from deploy.lab.machine import Machine
from deploy.lab.packages import path_of
from deploy.lab.services.balancer import CANARY_PORT

NAME = "gateway/nginx"
ADDRESS = f"https://{address('gateway')}"


def start(machine: Machine, *, canary: int = 0) -> None:
    """canary: per cent of the requests that go to the next version."""
    folder = machine.folder / "gateway"
    folder.mkdir(mode=0o700, exist_ok=True)
    make_certificate(folder)
    path = machine.write("gateway/nginx.conf", configuration(folder, canary=canary))
    machine.start(NAME, [*_nginx(folder), "-c", path])


def set_canary(machine: Machine, per_cent: int) -> None:
    """Send this share of the requests to the next version, without ending a connection."""
    folder = machine.folder / "gateway"
    path = machine.write("gateway/nginx.conf", configuration(folder, canary=per_cent))
    subprocess.run(  # noqa: S603 – arguments of our own
        [*_nginx(folder), "-c", str(path), "-s", "reload"], check=True, capture_output=True
    )


def trusted(folder: Path) -> ssl.SSLContext:
    """What a client trusts. folder: of the lab."""
    return ssl.create_default_context(cafile=str(folder / "gateway" / "certificate.pem"))


def _nginx(folder: Path) -> list[str]:
    return [path_of("nginx"), "-p", str(folder), "-e", str(folder / "error.log")]


def make_certificate(folder: Path) -> None:
    """A certificate for the gateway's address, made once."""
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    if certificate.exists():
        return
    command = [
        *(path_of("openssl"), "req", "-x509", "-newkey", "ec", "-nodes"),
        *("-pkeyopt", "ec_paramgen_curve:prime256v1", "-days", "30"),
        *("-subj", "/CN=Payment Flow lab", "-keyout", str(key), "-out", str(certificate)),
        *("-addext", f"subjectAltName=IP:{address('gateway')}"),
    ]
    subprocess.run(command, check=True, capture_output=True)  # noqa: S603 – arguments of our own


def configuration(folder: Path, *, canary: int) -> str:
    own = address("gateway")
    shares = f"    {canary}% canary;\n" if canary else ""
    return f"""\
daemon off;
user root;
worker_processes 1;
pid {folder}/nginx.pid;

events {{
    worker_connections 4096;
}}

http {{
    client_body_temp_path {folder}/bodies;
    proxy_temp_path {folder}/proxied;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;

    # The client's own id if it looks like one. The application answers and logs with it.
    map $http_x_request_id $id_of_request {{
        default $request_id;
        "~^[A-Za-z0-9._-]{{8,64}}$" $http_x_request_id;
    }}
    map $http_upgrade $connection_header {{
        default upgrade;
        "" "";
    }}
    log_format lab escape=json '{{"at":"$time_iso8601","id":"$id_of_request","status":$status,'
        '"method":"$request_method","path":"$uri","seconds":$request_time,'
        '"version":"$shop","upstream":"$upstream_addr"}}';
    access_log {folder}/access.log lab;

    # By address: what one client may ask for before anything of ours has worked for it.
    limit_req_zone $binary_remote_addr zone=edge:10m rate=100r/s;
    limit_conn_zone $binary_remote_addr zone=connections:10m;
    limit_req_status 429;
    limit_conn_status 429;

    # Versions that sell at the same time understand each other: a buyer meets both.
    split_clients "$request_id" $shop {{
{shares}        * stable;
    }}
    upstream stable {{
        server {endpoint("balancer", WEB_PORT)};
        keepalive 64;
        keepalive_timeout 30s;
    }}
    upstream canary {{
        server {endpoint("balancer", CANARY_PORT)};
        keepalive 16;
        keepalive_timeout 30s;
    }}
    upstream live {{
        server {endpoint("live", LIVE_PORT)};
    }}

    server {{
        listen {own}:80;
        return 308 https://$host$request_uri;
    }}

    server {{
        listen {own}:443 ssl http2;
        ssl_certificate {folder}/certificate.pem;
        ssl_certificate_key {folder}/key.pem;
        ssl_protocols TLSv1.2 TLSv1.3;
        ssl_session_cache shared:tls:10m;

        limit_req zone=edge burst=200 nodelay;
        limit_conn connections 500;
        client_max_body_size 0;  # The application limits it.
        proxy_request_buffering off;
        proxy_buffering off;

        proxy_http_version 1.1;
        proxy_set_header Host $host;
        proxy_set_header Connection "";
        proxy_set_header X-Request-Id $id_of_request;
        proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
        proxy_set_header X-Forwarded-Proto $scheme;
        proxy_connect_timeout 2s;
        proxy_read_timeout 180s;

        location / {{
            proxy_pass http://$shop;
        }}

        location ~ ^/(stream|events|api/(stats|transactions))$ {{
            proxy_set_header Connection $connection_header;
            proxy_set_header Upgrade $http_upgrade;
            proxy_read_timeout 1h;
            proxy_pass http://live;
        }}
    }}
}}
"""
