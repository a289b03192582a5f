"""Where versions come from.

Revision ID: 0013
Revises: 0015
"""

from alembic import op
import sqlalchemy as sa


revision = '0013'
down_revision = '0015'
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table('document_versions', schema=None) as batch_op:
        batch_op.add_column(sa.Column('origin_commit', sa.String(length=64), nullable=True))
        batch_op.add_column(sa.Column('origin_path', sa.Text(), nullable=True))
        batch_op.add_column(sa.Column('origin_note', sa.Text(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table('document_versions', schema=None) as batch_op:
        batch_op.drop_column('origin_note')
        batch_op.drop_column('origin_path')
        batch_op.drop_column('origin_commit')
