#!/usr/bin/env bash
# One encrypted dump: here, and away from here. ops/backup.timer runs it every night.
set -euo pipefail
: "${DATABASE_URL:?}" "${BACKUP_DIR:?}" "${BACKUP_BUCKET:?}" "${BACKUP_RECIPIENT:?}"
umask 077
mkdir -p "$BACKUP_DIR"
name=ledger-$(date -u +%Y%m%dT%H%M%SZ).dump.gpg
file=$BACKUP_DIR/$name

pg_dump --format=custom --no-owner --dbname="$DATABASE_URL" |
    gpg --batch --yes --trust-model always --encrypt --recipient "$BACKUP_RECIPIENT" --output "$file.part"
mv "$file.part" "$file"
(cd "$BACKUP_DIR" && sha256sum "$name" > "$name.sha256")

# Another provider, versioned and locked against deletion; there the bucket's lifecycle rule keeps 90 days.
aws s3 cp --only-show-errors "$file" "$BACKUP_BUCKET/$name"
aws s3 cp --only-show-errors "$file.sha256" "$BACKUP_BUCKET/$name.sha256"

find "$BACKUP_DIR" -name 'ledger-*.dump.gpg*' -mtime "+${BACKUP_KEEP_DAYS:-14}" -delete
echo "backup done: $name, $(stat -c %s "$file") bytes"
