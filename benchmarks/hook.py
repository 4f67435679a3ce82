"""How long the migrations hook takes, as a ratio to `alembic check` on the same tree.

    python benchmarks/hook.py [--revisions 100] [--models 200] [--runs N]

The tree is made here: a Flask application with its models in modules of ten, and revisions that make and grow their
tables, staged in a git repository and run on SQLite. `alembic check` is the peer because it answers the same question,
with a database that was upgraded before; whole processes are measured, in alternation, and the ratio of medians is to be quoted.
Seconds on the clock, and seconds of the processor (the process and those it started), which other work on the machine changes less.
Both run from compiled bytecode, as they do where they are installed.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

BIN = Path(sys.executable).parent
ENV = """\
from alembic import context
from sqlalchemy import create_engine

from shop.models import Base

with create_engine("sqlite:///shop.db").connect() as connection:
    context.configure(connection=connection, target_metadata=Base.metadata)
    with context.begin_transaction():
        context.run_migrations()
"""
MODULE = """\
from datetime import datetime

from sqlalchemy import DateTime, ForeignKey, Numeric, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from shop.base import Base, Dated

"""
MODEL = """
class Thing{n}(Dated, Base):
    __tablename__ = "things_{n}"
    __table_args__ = (UniqueConstraint("name", "kind", name="uq_things_{n}"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(80), index=True)
    kind: Mapped[str] = mapped_column(String(20))
    price: Mapped[float | None] = mapped_column(Numeric(10, 2))
    text: Mapped[str | None] = mapped_column(Text)
    parent_id: Mapped[int] = mapped_column(ForeignKey("things_{parent}.id"))
    parent = relationship("Thing{parent}")

    def shown(self) -> str:
        return f"{{self.name}} ({{self.kind}}), since {{self.created_at}}"
"""
REVISION = '''\
"""step {n}"""

import sqlalchemy as sa
from alembic import op

revision = "{n:04}"
down_revision = {down}


def upgrade():
{up}

def downgrade():
{back}
'''
CREATE = """\
    op.create_table(
        "things_{n}",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("price", sa.Numeric(precision=10, scale=2), nullable=True),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("parent_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["parent_id"], ["things_{parent}.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name", "kind", name="uq_things_{n}"),
    )
    op.create_index(op.f("ix_things_{n}_name"), "things_{n}", ["name"], unique=False)
    op.add_column("things_{n}", sa.Column("text", sa.Text(), nullable=True))
"""


def make(root: Path, revisions: int, models: int) -> None:
    """The application, its history, the upgraded database and the staged tree."""
    files = {
        "alembic.ini": "[alembic]\nscript_location = migrations\nprepend_sys_path = .\n",
        "migrations/env.py": ENV,
        "shop/__init__.py": "",
        "shop/app.py": "from flask import Flask\n\nfrom shop import models\n\napp = Flask(__name__)\n",
        "shop/base.py": (
            "from datetime import datetime\n\nfrom sqlalchemy.orm import DeclarativeBase, Mapped\n\n\nclass Base(DeclarativeBase):\n    pass\n\n\n"
            "class Dated:\n    created_at: Mapped[datetime]\n"
        ),
    }
    modules = [range(start, min(start + 10, models)) for start in range(0, models, 10)]
    for number, things in enumerate(modules):
        files[f"shop/models/part_{number}.py"] = MODULE + "\n".join(MODEL.format(n=n, parent=max(0, n - 1)) for n in things)
    files["shop/models/__init__.py"] = "from shop.base import Base\n" + "".join(
        f"from shop.models.part_{number} import {', '.join(f'Thing{n}' for n in things)}\n" for number, things in enumerate(modules)
    )
    for number in range(revisions):
        things = range(number * models // revisions, (number + 1) * models // revisions)
        files[f"migrations/versions/{number:04}_step.py"] = REVISION.format(
            n=number,
            down=f'"{number - 1:04}"' if number else None,
            up="".join(CREATE.format(n=n, parent=max(0, n - 1)) for n in things) or "    pass\n",
            back="".join(f'    op.drop_table("things_{n}")\n' for n in reversed(things)) or "    pass\n",
        )
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, "utf-8")
    for command in ([BIN / "alembic", "upgrade", "head"], ["git", "init", "-q"], ["git", "add", "alembic.ini", "migrations", "shop"]):
        subprocess.run(command, cwd=root, check=True, capture_output=True)


def seconds(command: list[str], root: Path) -> tuple[float, float]:
    """On the clock, and of the processor."""
    began, used = time.perf_counter(), processor()
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(command, cwd=root, capture_output=True, check=False, text=True, env=environment)
    took = time.perf_counter() - began, processor() - used
    if done.returncode:
        sys.exit(f"{command[0]} found something in a tree without drift:\n{done.stdout}{done.stderr}")
    return took


def processor() -> float:
    """Seconds that the processes started so far have used, all told."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return children.ru_utime + children.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--revisions", type=int, default=100)
    parser.add_argument("--models", type=int, default=200)
    parser.add_argument("--runs", type=int, default=7)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        make(root, arguments.revisions, arguments.models)
        ours = [str(BIN / "mingus-hook-files"), "--rules=migrations"]
        theirs = [str(BIN / "alembic"), "check"]
        for command in (ours, theirs):
            seconds(command, root)  # the first run may compile
        pairs = [(seconds(ours, root), seconds(theirs, root)) for _ in range(arguments.runs)]
    print(f"{arguments.revisions} revisions, {arguments.models} models ({arguments.runs} runs each, in alternation, medians)")
    for number, name in enumerate(("clock", "processor")):
        mine, peer = (statistics.median(pair[side][number] for pair in pairs) for side in (0, 1))
        print(f"{name:9}  hook {mine:.2f} s   alembic check {peer:.2f} s   ratio {mine / peer:.2f}")


if __name__ == "__main__":
    main()
