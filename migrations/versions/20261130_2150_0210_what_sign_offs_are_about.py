"""Which documents the sign-off of a step is evidence for.

Revision ID: 0210
Revises: 0197
"""

from alembic import op
import sqlalchemy as sa


revision = '0210'
down_revision = '0197'
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table('plan_steps', schema=None) as batch_op:
        batch_op.add_column(sa.Column('about_documents', sa.Text(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table('plan_steps', schema=None) as batch_op:
        batch_op.drop_column('about_documents')
