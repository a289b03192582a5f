"""Entries of the search are numbered in the order in which hits as good as each other are shown.

The worker makes the index anew; until then most is found all the same.

Revision ID: 0021
Revises: 0020
"""

from alembic import op
import sqlalchemy as sa


revision = '0021'
down_revision = '0020'
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table('search_foldings', schema=None) as batch_op:
        batch_op.add_column(sa.Column('numbered', sa.BigInteger(), server_default='0', nullable=False))
    # Entries of before have small numbers; those that come anew must not be given one of them.
    op.execute(
        "UPDATE search_foldings SET numbered = (SELECT coalesce(max(id), 0) FROM search_entries WHERE id < 4294967296)"
    )


def downgrade() -> None:
    # What was there before gave an entry the number after the largest.
    with op.batch_alter_table('search_foldings', schema=None) as batch_op:
        batch_op.drop_column('numbered')
