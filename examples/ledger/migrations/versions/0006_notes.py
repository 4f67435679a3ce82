"""a note on each entry

Revision ID: 0006
Revises: 0005
Create Date: 2026-06-01 10:00:00
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade():
    op.add_column("entries", sa.Column("note", sa.String(length=200), server_default="", nullable=False))


def downgrade():
    op.drop_column("entries", "note")
