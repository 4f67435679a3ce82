#!/usr/bin/env bash
# Brings a dump into the empty database RESTORE_URL and says what came back: ops/restore.sh ledger-20260601T030000Z.dump.gpg
set -euo pipefail
: "${RESTORE_URL:?}" "${BACKUP_DIR:?}" "${BACKUP_BUCKET:?}"
name=${1:?name of the dump}
cd "$BACKUP_DIR"

if [ ! -f "$name" ]; then
    aws s3 cp --only-show-errors "$BACKUP_BUCKET/$name" "$name"
    aws s3 cp --only-show-errors "$BACKUP_BUCKET/$name.sha256" "$name.sha256"
fi
sha256sum --check --quiet "$name.sha256"

tables=$(psql "$RESTORE_URL" --tuples-only --no-align --command "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")
if [ "$tables" != 0 ]; then
    echo "the database in RESTORE_URL is not empty ($tables tables): nothing done" >&2
    exit 1
fi
gpg --batch --quiet --decrypt "$name" | pg_restore --exit-on-error --no-owner --dbname="$RESTORE_URL"
psql "$RESTORE_URL" --command "
    SELECT (SELECT version_num FROM alembic_version) AS revision,
           (SELECT count(*) FROM users) AS users,
           (SELECT count(*) FROM entries) AS entries,
           (SELECT max(received_at) FROM payment_events) AS last_payment_event"
