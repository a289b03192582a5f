"""Quizzes that are open only to those to whom they are assigned.

Revision ID: 0250
Revises: 0230
"""

from alembic import op
import sqlalchemy as sa


revision = '0250'
down_revision = '0230'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('quiz_versions', sa.Column('only_assigned', sa.Boolean(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table('quiz_versions', schema=None) as batch_op:
        batch_op.drop_column('only_assigned')
