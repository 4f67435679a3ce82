#!/usr/bin/env bash
# Makes an authority of our own and certificates for PostgreSQL and Redis, in ./certs, which is not tracked.
# nginx serves a certificate of a public authority: put it there as site.crt and site.key.
set -euo pipefail
cd "$(dirname "$0")/.."
mkdir -p certs && cd certs

openssl req -x509 -newkey rsa:3072 -nodes -days 825 -subj "/CN=ledger inside" -keyout ca.key -out ca.crt
for name in postgres redis; do
    hosts=DNS:$name,DNS:redis-queue,DNS:redis-cache
    openssl req -newkey rsa:3072 -nodes -subj "/CN=$name" -keyout "$name.key" -out "$name.csr"
    openssl x509 -req -in "$name.csr" -CA ca.crt -CAkey ca.key -CAcreateserial -days 397 \
        -extfile <(printf 'subjectAltName=%s' "$hosts") -out "$name.crt"
    rm "$name.csr"
    chmod 600 "$name.key"
done
chown 999:999 postgres.key redis.key  # the user of both images
