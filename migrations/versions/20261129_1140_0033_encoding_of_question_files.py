"""In which encoding somebody wants a file of questions read.

Revision ID: 0033
Revises: 0032
"""

from alembic import op
import sqlalchemy as sa


revision = '0033'
down_revision = '0032'
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table('question_imports', schema=None) as batch_op:
        batch_op.add_column(sa.Column('encoding', sa.String(length=20), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table('question_imports', schema=None) as batch_op:
        batch_op.drop_column('encoding')
