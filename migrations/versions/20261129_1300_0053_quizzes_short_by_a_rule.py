"""A rule by which a question counts for nobody keeps which quizzes went short by it.

Revision ID: 0053
Revises: 0050
"""

from alembic import op
import sqlalchemy as sa

import portal.core.db


revision = '0053'
down_revision = '0050'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('regrades', sa.Column('went_short', portal.core.db.Json(), nullable=True))


def downgrade() -> None:
    op.drop_column('regrades', 'went_short')
