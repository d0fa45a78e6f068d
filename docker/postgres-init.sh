#!/bin/sh
# Runs once, when the database folder is empty: the database, the role that owns its tables, and
# the role of the application, which `migrate` grants what it needs and no more. With a password for
# each, also the role that reads statistics, and the one that makes backups.
set -eu

psql --no-psqlrc --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres <<'SQL'
\getenv owner_password POSTGRES_OWNER_PASSWORD
\getenv app_password POSTGRES_APP_PASSWORD
CREATE ROLE payment_flow_owner LOGIN PASSWORD :'owner_password';
CREATE ROLE payment_flow_app LOGIN PASSWORD :'app_password';
CREATE DATABASE payment_flow OWNER payment_flow_owner;
REVOKE ALL ON DATABASE payment_flow FROM PUBLIC;
GRANT CONNECT ON DATABASE payment_flow TO payment_flow_app;
\connect payment_flow
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
\getenv monitor_password POSTGRES_MONITOR_PASSWORD
\if :{?monitor_password}
SELECT :'monitor_password' <> '' AS is_monitored \gset
\if :is_monitored
CREATE ROLE payment_flow_monitor LOGIN PASSWORD :'monitor_password' IN ROLE pg_monitor CONNECTION LIMIT 5;
GRANT CONNECT ON DATABASE payment_flow TO payment_flow_monitor;
\endif
\endif
\getenv backup_password POSTGRES_BACKUP_PASSWORD
\if :{?backup_password}
SELECT :'backup_password' <> '' AS is_backed_up \gset
\if :is_backed_up
CREATE ROLE payment_flow_backup LOGIN REPLICATION PASSWORD :'backup_password';
\endif
\endif
SQL
# The lines of the image allow replication from this container only.
echo 'host replication payment_flow_backup all scram-sha-256' >> "$PGDATA/pg_hba.conf"
