"""With what leave was entered, where that is not a page of leave: a handover, a stand-in.

Revision ID: 0230
Revises: 0225
"""

from alembic import op
import sqlalchemy as sa


revision = '0230'
down_revision = '0225'
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table('leaves', schema=None) as batch_op:
        batch_op.add_column(sa.Column('with_kind', sa.String(length=40), nullable=True))
        batch_op.add_column(sa.Column('with_code', sa.String(length=20), nullable=True))
        batch_op.create_check_constraint('entered_with', '(with_kind is null) = (with_code is null)')


def downgrade() -> None:
    with op.batch_alter_table('leaves', schema=None) as batch_op:
        batch_op.drop_constraint('entered_with', type_='check')
        batch_op.drop_column('with_code')
        batch_op.drop_column('with_kind')
