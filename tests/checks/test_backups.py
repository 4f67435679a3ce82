import gzip
import sqlite3
import tempfile
from pathlib import Path

from mingus_gate.repo import Repo
from mingus_gate.repo.database.dump_files import dump_files
from tests.tools import Quiet, Reported, Unknown, rule_tests, write

APP = """
    from flask import Flask
    from flask_sqlalchemy import SQLAlchemy

    app = Flask(__name__)
    db = SQLAlchemy(app)
"""
NO_DATABASE = """
    from flask import Flask

    app = Flask(__name__)
"""
SCRIPT = """
    #!/bin/sh
    set -e
    file=/backups/app-$(date +%F).dump
    pg_dump --format=custom --file="$file" "$DATABASE_URL"
    aws s3 cp "$file" s3://app-backups/
    find /backups -name '*.dump' -mtime +30 -delete
"""
SCHEDULED = {"app.py": APP, "ops/backup.sh": SCRIPT, "ops/crontab": "15 3 * * * root /srv/app/ops/backup.sh\n"}
BY_HAND = {"app.py": APP, "ops/backup.sh": SCRIPT}
CRON_JOB = """
    apiVersion: batch/v1
    kind: CronJob
    metadata: {name: database-backup}
    spec:
      schedule: "0 2 * * *"
      jobTemplate:
        spec:
          template:
            spec:
              containers:
                - name: dump
                  image: postgres:16
                  command: ["sh", "-c", "pg_dump $DATABASE_URL | gzip | aws s3 cp - s3://b/$(date +%F).gz"]
"""
HEADER = "--\n-- PostgreSQL database dump\n--\n\n"
PEOPLE = HEADER + "COPY public.users (id, email) FROM stdin;\n1\tada@lovelace.name\n2\tgrace@hopper.name\n\\.\n"


def _database(*statements: str) -> bytes:
    """The bytes of a SQLite file on which the statements were run."""
    with tempfile.TemporaryDirectory() as folder:
        connection = sqlite3.connect(Path(folder) / "a.db")
        for statement in statements:
            connection.execute(statement)
        connection.commit()
        connection.close()
        return (Path(folder) / "a.db").read_bytes()


USERS = _database("CREATE TABLE user (id INTEGER, email TEXT)", "INSERT INTO user VALUES (1, 'ada@lovelace.name')")
NO_USERS = _database("CREATE TABLE user (id INTEGER, email TEXT)")

QUIET: Quiet = {
    "backups.scheduled": [
        ("a crontab starts the script", SCHEDULED),
        (
            "a timer of systemd",
            {
                **BY_HAND,
                "ops/backup.service": "[Service]\nExecStart=/srv/app/ops/backup.sh\n",
                "ops/backup.timer": "[Timer]\nOnCalendar=daily\n",
            },
        ),
        ("a CronJob", {"app.py": APP, "k8s/backup.yaml": CRON_JOB}),
        (
            "a scheduled workflow",
            {
                **BY_HAND,
                ".github/workflows/backup.yml": """
                on:
                  schedule:
                    - cron: "0 3 * * *"
                jobs:
                  dump:
                    runs-on: ubuntu-latest
                    steps:
                      - run: ./ops/backup.sh
                """,
            },
        ),
        (
            "Celery beat, by way of two functions",
            {
                "app.py": APP,
                "tasks.py": """
                import subprocess
                from celery import Celery
                from celery.schedules import crontab

                celery = Celery("app")
                celery.conf.beat_schedule = {"maintenance": {"task": "tasks.maintain", "schedule": crontab(hour=3)}}

                def dump(path):
                    subprocess.run(["pg_dump", "--file", path], check=True)

                @celery.task
                def maintain():
                    dump("/backups/app.dump")
                """,
            },
        ),
        (
            "an image that does it by itself",
            {"app.py": APP, "compose.yaml": "services:\n  backup:\n    image: prodrigestivill/postgres-backup-local:16\n"},
        ),
        ("the platform, in Terraform", {"app.py": APP, "infra/db.tf": 'resource "aws_db_instance" "main" {\n  backup_retention_period = 14\n}\n'}),
        ("Render", {"app.py": APP, "render.yaml": "databases:\n  - name: db\n    plan: basic-256mb\n"}),
        ("no database", NO_DATABASE),
        (
            "a script that installs its own crontab line",
            {**BY_HAND, "ops/install.sh": "#!/bin/sh\n(crontab -l; echo '0 3 * * * /srv/app/ops/backup.sh') | crontab -\n"},
        ),
    ],
    "backups.retention": [
        ("dumps older than 30 days are deleted", SCHEDULED),
        (
            "restic forgets",
            {**SCHEDULED, "ops/backup.sh": "#!/bin/sh\npg_dump app > /b/a.sql\nrestic backup /b\nrestic forget --keep-daily 14 --prune\n"},
        ),
    ],
    "backups.off-host": [
        ("copied to a bucket", SCHEDULED),
        ("rsync to another host", {**SCHEDULED, "ops/backup.sh": "#!/bin/sh\npg_dump app > /b/a.sql\nrsync -a /b/ backup@vault:/srv/b/\n"}),
    ],
    "backups.restore": [
        (
            "a script",
            {"app.py": APP, "ops/restore.sh": '#!/bin/sh\n# Restores a dump: restore.sh FILE\npg_restore --clean --dbname "$DATABASE_URL" "$1"\n'},
        ),
        (
            "written down",
            {
                "app.py": APP,
                "docs/operations.md": "# Operations\n\n## Restore the database\n\n1. Stop the workers.\n2. `pg_restore -d app latest.dump`\n",
            },
        ),
        ("a command in the README", {"app.py": APP, "README.md": "Load the last backup: `gunzip -c backup.sql.gz | psql app`\n"}),
        ("no database", NO_DATABASE),
    ],
    "backups.no-dump-committed": [
        ("git ignores them", {"app.py": APP, ".gitignore": "*.dump\n*.sqlite3\n"}),
        ("a schema", {"app.py": APP, "schema.sql": HEADER + "CREATE TABLE public.users (id integer, email text);\n"}),
        ("a seed", {"app.py": APP, "db/seed.sql": "INSERT INTO users (email) VALUES ('admin@lovelace.name');\n"}),
        ("a migration", {"app.py": APP, "migrations/003_users.sql": "INSERT INTO users SELECT * FROM old_users;\n"}),
        ("a fixture of tests", {"app.py": APP, "tests/data/dump.sql": PEOPLE}),
        ("an empty database", {"app.py": APP, "app.db": b""}),
        ("a dump of addresses that nobody has", {"app.py": APP, "dump.sql": HEADER + "CREATE TABLE users (id integer);\n"}),
        ("an empty dump of Redis", {"app.py": APP, "dump.rdb": b"REDIS0012\xfa\tredis-ver\x058.0.2\xff"}),
        ("a text that is called a backup", {"app.py": APP, "config.py.bak": "DEBUG = False\n"}),
    ],
}
REPORTED: Reported = {
    "backups.scheduled": [
        ("a script that nothing starts", BY_HAND, "ops/backup.sh:5"),
        ("nothing at all", APP, ""),
        (
            "Python dumps, by hand",
            {
                "app.py": APP,
                "tools/backup_database.py": "import os\nimport subprocess\n\nos.system(f\"pg_dump {os.environ['DATABASE_URL']} > /tmp/b.sql\")\n",
            },
            "tools/backup_database.py:4",
        ),
        (
            "the platform's backups are switched off",
            {"app.py": APP, "infra/db.tf": 'resource "aws_db_instance" "main" {\n  backup_retention_period = 0\n}\n'},
            "",
        ),
        ("the crontab starts other things", {**BY_HAND, "ops/crontab": "0 4 * * * root /srv/app/ops/mail.sh\n"}, "ops/backup.sh:5"),
        ("a package list is no backup", {"app.py": APP, "ops/install.yml": "- dnf:\n    name:\n      - /usr/bin/pg_dump # for backups\n"}, ""),
    ],
    "backups.retention": [
        (
            "dumps pile up",
            {**SCHEDULED, "ops/backup.sh": '#!/bin/sh\nfile=/b/$(date +%F).sql\npg_dump app > "$file"\naws s3 cp "$file" s3://app-backups/\n'},
            "ops/backup.sh:3",
        ),
    ],
    "backups.off-host": [
        (
            "the dump stays beside the database",
            {**SCHEDULED, "ops/backup.sh": "#!/bin/sh\npg_dump app > /backups/$(date +%F).sql\nfind /backups -mtime +30 -delete\n"},
            "ops/backup.sh:2",
        ),
        (
            "the copy is only a comment",
            {**SCHEDULED, "ops/backup.sh": "#!/bin/sh\npg_dump app > /backups/a.sql\n# TODO: aws s3 cp /backups/a.sql s3://app-backups/\n"},
            "ops/backup.sh:2",
        ),
    ],
    "backups.restore": [
        ("nothing says how", SCHEDULED, ""),
        ("a heading about another thing", {"app.py": APP, "README.md": "# Passwords\n\n## Restore your account\n\n1. Click on the link.\n"}, ""),
        ("a copy from one database into another", {"app.py": APP, "tasks.py": 'def copy(c):\n    c.run("pg_dump a | pg_restore -d b")\n'}, ""),
    ],
    "backups.no-dump-committed": [
        ("a dump with customers in it", {"app.py": NO_DATABASE, "export.sql": PEOPLE}, "export.sql:1"),
        ("a SQLite database with users", {"app.py": APP, "instance/app.sqlite": USERS}, "instance/app.sqlite:1"),
        ("a compressed dump", {"app.py": APP, "prod.sql.gz": gzip.compress(PEOPLE.encode(), mtime=0)}, "prod.sql.gz:1"),
        ("a dump in PostgreSQL's own format", {"app.py": APP, "latest.dump": b"PGDMP\x01\x0e\0public.users TABLE DATA\0"}, "latest.dump:1"),
        (
            "a dump of MySQL",
            {"app.py": APP, "backup.sql": "-- MySQL dump 10.13\nINSERT INTO `customers` VALUES (1,'ada@lovelace.name');\n"},
            "backup.sql:1",
        ),
    ],
}
UNKNOWN: Unknown = {
    "backups.scheduled": [
        (
            "what the crontab starts is not in the tree",
            {"app.py": APP, "ops/crontab": "0 3 * * * root /usr/local/bin/db_backup\n"},
            "not in the tree",
        ),
        ("a playbook of that name", {"app.py": APP, "ansible/backup.yml": "- hosts: all\n  roles: [backup]\n"}, "named a backup"),
    ],
    "backups.retention": [("no backup", APP, "looked for")],
    "backups.no-dump-committed": [
        (
            "a database whose rows are not people",
            {"app.py": APP, "places.db": _database("CREATE TABLE city (n TEXT)", "INSERT INTO city VALUES (hex(zeroblob(5000)))")},
            "could not be told",
        ),
        ("a database for development", {"app.py": APP, "dev.db": USERS}, "for development"),
        ("an empty tree", {"app.py": ""}, "looked for"),
    ],
}

test_quiet, test_reported, test_unknown = rule_tests(QUIET, REPORTED, UNKNOWN)


def test_a_dump_too_large_to_be_taken_into_the_tree_is_still_seen(tmp_path: Path) -> None:
    write(tmp_path, {"app.py": APP, "production.sql": PEOPLE + "-- padding\n" * 500_000})
    assert [(d.path, d.people) for d in dump_files(Repo(tmp_path))] == [("production.sql", "2 e-mail addresses")]


def test_a_database_without_rows_is_no_dump_of_people(tmp_path: Path) -> None:
    write(tmp_path, {"app.py": APP, "app.db": NO_USERS})
    assert [d.people for d in dump_files(Repo(tmp_path))] == [""]
