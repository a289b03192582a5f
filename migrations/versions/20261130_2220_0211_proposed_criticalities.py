"""Whether a criticality was proposed by whoever answers for the thing, and not judged.

Revision ID: 0211
Revises: 0210
"""

from alembic import op
import sqlalchemy as sa


revision = '0211'
down_revision = '0210'
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table('thing_criticalities', schema=None) as batch_op:
        batch_op.add_column(sa.Column('is_proposal', sa.Boolean(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table('thing_criticalities', schema=None) as batch_op:
        batch_op.drop_column('is_proposal')
