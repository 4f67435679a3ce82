"""Can the data be brought back, proven, not hoped?"""

from __future__ import annotations

import re
from collections.abc import Iterator

from mingus_gate.model import Check, Observation, Place, Rule, Severity, broken, holds, unclear
from mingus_gate.repo import Repo
from mingus_gate.repo.database.backups import Backup, backups, has_database, named_backups, unknown_schedules
from mingus_gate.repo.database.dump_files import dump_files
from mingus_gate.repo.database.restores import restores
from mingus_gate.repo.deploy.nouns import for_development
from mingus_gate.repo.flask.app import apps, proven_absent

DATABASE = "`SQLAlchemy(`, `create_engine(` and database services in compose files"

SCHEDULED = Rule(
    "backups.scheduled",
    Severity.WARNING,
    "A clock backs up the database",
    "Keep a script that runs `pg_dump` in the tree, and beside it what starts it: a file `crontab` with `30 2 * * * /srv/app/backup.sh`, "
    "a systemd timer or a CronJob.",
    "pg_dump, mysqldump, pgBackRest, WAL-G, restic …; cron files, timers, CronJobs, scheduled workflows, Celery beat; Terraform and Render",
    "A backup that somebody has to remember is missing on the day it is needed; one that no file describes cannot be checked by anybody.",
    "https://www.postgresql.org/docs/current/backup.html",
)
RETENTION = Rule(
    "backups.retention",
    Severity.INFO,
    "Old backups are removed, a known number is kept",
    "End the backup script with `find /backups -name '*.dump' -mtime +30 -delete`, or set a lifecycle rule on the bucket.",
    "`-mtime +N -delete`, `--keep-daily`, `BACKUP_KEEP_DAYS`, bucket lifecycles and retention periods beside the backup",
    "Backups that are never removed fill the disk they are written to, and then the newest one fails.",
    "https://restic.readthedocs.io/en/stable/060_forget.html",
)
OFF_HOST = Rule(
    "backups.off-host",
    Severity.WARNING,
    "A copy leaves the host",
    'Copy each dump away in the same script: `aws s3 cp "$file" s3://backups/`, `rclone copy` or `restic backup`.',
    "`aws s3`, `gsutil`, `rclone`, `restic`, `azcopy`, `b2`, `scp` and `rsync` to another host beside the backup",
    "A dump on the disk of the database is lost together with it: to a dead disk, a deleted volume or ransomware.",
    "https://www.cisa.gov/stopransomware/ransomware-guide",
)
RESTORE = Rule(
    "backups.restore",
    Severity.WARNING,
    "Restoring is scripted or written down",
    'Add a script `restore.sh` that runs `pg_restore --clean --dbname "$DATABASE_URL" "$1"`, or write the steps under `## Restore` in the docs.',
    "`pg_restore`, `psql … < dump` and the like in scripts, and headings on restoring in the documentation",
    "A backup nobody has restored is a hope. At three in the morning the steps must be readable, not invented.",
    "https://www.postgresql.org/docs/current/backup-dump.html#BACKUP-DUMP-RESTORE",
)
NO_DUMP = Rule(
    "backups.no-dump-committed",
    Severity.CRITICAL,
    "No dump of people's data is in the tree",
    "Run `git rm --cached FILE`, take it out of the history with `git filter-repo --path FILE --invert-paths`, and add `*.dump` to .gitignore.",
    "*.sql, *.dump, *.sqlite, *.db, *.bak, *.rdb files and the .gitignore lines that keep them out",
    "Everybody with the repository, and each of its copies, then has the customers' data. History keeps it after the file is deleted.",
    "https://docs.github.com/en/authentication/keeping-your-account-and-data-secure/removing-sensitive-data-from-a-repository",
)
KEEPS = re.compile(
    r"-mtime \+|-delete\b|(timedelta|st_mtime|getmtime)[\s\S]{0,400}?(os\.(remove|unlink)|\.unlink)\("
    r"|keep[-_ ]?(last|daily|weekly|monthly|hourly|within|days|num)|retention|retain|\bforget\b|prune|tail -n \+|head -n -|lifecycle"
    r"|rotat|max_?backups|expire|DB_CLEANUP_TIME|REMOVE_DAYS",
    re.IGNORECASE,
)
LEAVES = re.compile(
    r"\baws\b.{0,200}\bs3\b"
    r"|\bs3cmd\b|\bs4cmd\b|\bgsutil\b|gcloud (storage|compute disks snapshot|sql backups)|\brclone\b|\brestic\b|\bborg|\bazcopy\b|az storage"
    r"|\bb2\s+(upload|sync|file)|\bmc\s+(cp|mirror)|\bscp\b|\brsync\b[^\n]{0,300}\s[\w.@$\{\}-]{1,80}:|upload_file(obj)?\(|put_object\(|upload_from_filename|upload_blob|boto3"
    r"|S3_BUCKET|S3_ENDPOINT|AWS_S3|DB_BACKUP_TARGET|upload-artifact"
    r"|pg:backups|create-db-|wal-[ge] |pgbackrest|litestream|duplicity|kopia|curl\s+.{0,200}(-T|--upload-file)",
    re.IGNORECASE,
)
DUMP_PATTERNS = {"*.dump", "*.sql", "*.sqlite", "*.sqlite3", "*.db", "*.sql.gz", "*.bak", "*.backup", "*.rdb"}


def scheduled(repo: Repo) -> Iterator[Observation]:
    found = repo.fact(backups)
    running = [b for b in found if b.schedule or b.managed]
    if running:
        yield from (holds(_runs(backup), backup.schedule or backup.place, tool=backup.tool) for backup in running)
    elif places := unknown_schedules(repo):
        yield unclear("a backup is scheduled, what it runs is not in the tree", places[0])
    elif found:
        yield broken(f"nothing in the tree schedules {found[0].tool}", found[0].place, tool=found[0].tool)
    elif named := named_backups(repo):
        yield unclear("it is named a backup; what it copies could not be told", named[0])
    elif has_database(repo):
        yield broken("nothing in the tree backs up the database") if repo.fact(apps) else unclear("nothing in the tree backs up the database")
    else:
        yield from proven_absent(repo, DATABASE)


def _runs(backup: Backup) -> str:
    if backup.managed:
        return f"the platform backs it up ({backup.tool})"
    return f"{backup.tool} at {backup.place} runs on a schedule" if backup.schedule != backup.place else f"{backup.tool} runs on a schedule"


def retention(repo: Repo) -> Iterator[Observation]:
    for backup in _chosen(repo):
        if backup.managed:
            yield holds(f"the platform keeps a known number ({backup.tool})", backup.place)
        elif match := KEEPS.search(backup.text):
            yield holds(f"old backups are removed (`{match[0].split()[0]}`)", backup.place)
        else:
            yield broken(f"nothing beside {backup.tool} removes old backups", backup.place)


def off_host(repo: Repo) -> Iterator[Observation]:
    for backup in _chosen(repo):
        if backup.managed:
            yield holds(f"the platform stores it ({backup.tool})", backup.place)
        elif match := LEAVES.search(f"{backup.tool} \n{backup.text}"):
            yield holds(f"a copy leaves the host (`{match[0].strip()[:40]}`)", backup.place)
        else:
            yield broken(f"what {backup.tool} writes stays on the host", backup.place)


def _chosen(repo: Repo) -> list[Backup]:
    """The backups to judge: those that run by themselves, else the first one that is called a backup."""
    found = repo.fact(backups)
    return [b for b in found if b.schedule or b.managed] or [b for b in found if b.named][:1]


def restore(repo: Repo) -> Iterator[Observation]:
    places = restores(repo)
    if places:
        yield from (holds("restoring is written down here", place) for place in places[:5])
    elif has_database(repo) or repo.fact(backups):
        yield broken("nothing in the tree says how the data is restored") if repo.fact(apps) else unclear("nothing says how the data is restored")
    else:
        yield from proven_absent(repo, DATABASE)


def no_dump_committed(repo: Repo) -> Iterator[Observation]:
    found = dump_files(repo)
    for dump in found:
        place = Place(dump.path)
        if dump.people and for_development(dump.path):
            yield unclear(f"a {dump.kind} with {dump.people} is tracked; its name says that it is for development", place, kind=dump.kind)
        elif dump.people:
            yield broken(f"a {dump.kind} with {dump.people} is tracked", place, kind=dump.kind)
        elif dump.rows:
            yield unclear(f"a {dump.kind} with rows is tracked; whether they are people's data could not be told", place, kind=dump.kind)
    ignored = [(file, n, line) for file in repo.files(".gitignore") for n, line in enumerate(file.lines, 1) if line.strip() in DUMP_PATTERNS]
    for file, number, line in ignored[:1]:
        yield holds(f"git ignores {line.strip()}", Place(file.path, number))
    if not ignored and not any(d.people or d.rows for d in found):
        yield from proven_absent(repo, f"dumps and database files among {len(repo.tree.files)} files")


CHECK = Check(
    "backups",
    "Backups",
    "Can the data be brought back, proven, not hoped?",
    weight=3,
    static={
        SCHEDULED: scheduled,
        RETENTION: retention,
        OFF_HOST: off_host,
        RESTORE: restore,
        NO_DUMP: no_dump_committed,
    },
)
