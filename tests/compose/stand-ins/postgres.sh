#!/bin/bash
set -e
if [ ! -s "$PGDATA/PG_VERSION" ]; then
    initdb --username "$POSTGRES_USER" --pwfile <(echo "$POSTGRES_PASSWORD") --auth-local trust --auth-host scram-sha-256
    echo "host all all all scram-sha-256" >>"$PGDATA/pg_hba.conf"
    postgres --single postgres <<<"CREATE DATABASE \"$POSTGRES_DB\""
fi
exec postgres -c listen_addresses='*'
