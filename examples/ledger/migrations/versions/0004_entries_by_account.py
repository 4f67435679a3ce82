"""find an account's entries by date

Revision ID: 0004
Revises: 0003
Create Date: 2026-03-09 08:45:00
"""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

NAME = "ix_entries_account_id_booked_on"


def upgrade():
    with op.get_context().autocommit_block():
        op.create_index(NAME, "entries", ["account_id", "booked_on"], postgresql_concurrently=True, if_not_exists=True)


def downgrade():
    with op.get_context().autocommit_block():
        op.drop_index(NAME, table_name="entries", postgresql_concurrently=True, if_exists=True)
