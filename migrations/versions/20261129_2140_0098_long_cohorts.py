"""Long lists of people are taken into a cohort by the worker: since when, whom, and who was refused.

Revision ID: 0098
Revises: 0094
"""

from alembic import op
import sqlalchemy as sa

import portal.core.db


revision = '0098'
down_revision = '0094'
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table('cohort_drafts', schema=None) as batch_op:
        batch_op.add_column(sa.Column('begun_at', sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column('awaited', portal.core.db.Json(), nullable=True))
        batch_op.add_column(sa.Column('refused', portal.core.db.Json(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table('cohort_drafts', schema=None) as batch_op:
        batch_op.drop_column('refused')
        batch_op.drop_column('awaited')
        batch_op.drop_column('begun_at')
