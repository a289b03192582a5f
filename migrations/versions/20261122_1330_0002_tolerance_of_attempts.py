"""The tolerance of an attempt, frozen at its start.

Revision ID: 0002
Revises: 0001
"""

import json

from alembic import op
import sqlalchemy as sa


revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('attempts', sa.Column('tolerance_seconds', sa.Integer(), nullable=False, server_default='5'))
    # Attempts from before keep the setting that holds now: nobody knows an earlier one.
    settings = sa.table('settings', sa.column('key', sa.String), sa.column('value', sa.Text))
    value = op.get_bind().scalar(sa.select(settings.c.value).where(settings.c.key == 'attempts.tolerance_seconds'))
    if value is not None:
        attempts = sa.table('attempts', sa.column('tolerance_seconds', sa.Integer))
        op.execute(attempts.update().values(tolerance_seconds=int(json.loads(value)['value'])))


def downgrade() -> None:
    op.drop_column('attempts', 'tolerance_seconds')
