"""Stand-ins that were declined: when whoever was named said that she cannot, and why.

Revision ID: 0212
Revises: 0205
"""

from alembic import op
import sqlalchemy as sa


revision = '0212'
down_revision = '0205'
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table('stand_ins', schema=None) as batch_op:
        batch_op.add_column(sa.Column('declined_at', sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column('decline_reason', sa.Text(), nullable=True))
        batch_op.create_check_constraint('declined', '(declined_at is null) = (decline_reason is null)')


def downgrade() -> None:
    with op.batch_alter_table('stand_ins', schema=None) as batch_op:
        batch_op.drop_constraint('declined', type_='check')
        batch_op.drop_column('decline_reason')
        batch_op.drop_column('declined_at')
