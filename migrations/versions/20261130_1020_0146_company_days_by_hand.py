"""Company days that an administrator adds, and days that are worked instead.

Revision ID: 0146
Revises: 0153
"""

from alembic import op
import sqlalchemy as sa


revision = '0146'
down_revision = '0153'
branch_labels = None
depends_on = None


def upgrade() -> None:
    # NULL for what there is: facts that are NULL are left out of the digest, so that its seals hold.
    with op.batch_alter_table('company_days', schema=None) as batch_op:
        batch_op.add_column(sa.Column('is_worked', sa.Boolean(), nullable=True))
        batch_op.add_column(sa.Column('by_hand', sa.Boolean(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table('company_days', schema=None) as batch_op:
        batch_op.drop_column('by_hand')
        batch_op.drop_column('is_worked')
