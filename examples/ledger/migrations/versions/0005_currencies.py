"""a currency for each user, and exchange rates

Revision ID: 0005
Revises: 0004
Create Date: 2026-04-20 16:10:00
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade():
    op.add_column("users", sa.Column("currency", sa.String(length=3), server_default="EUR", nullable=False))
    op.create_table(
        "exchange_rates",
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("per_euro", sa.Numeric(precision=18, scale=6), nullable=False),
        sa.Column("as_of", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("currency", name="pk_exchange_rates"),
    )


def downgrade():
    op.drop_table("exchange_rates")
    op.drop_column("users", "currency")
