"""How the index of the search was told.

Revision ID: 0019
Revises: 0018
"""

from alembic import op
import sqlalchemy as sa


revision = '0019'
down_revision = '0018'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('search_foldings',
    sa.Column('id', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_search_foldings'))
    )
    # What there is was told by the first; the worker makes it anew.
    op.execute("INSERT INTO search_foldings (id, number) SELECT 1, 1 WHERE EXISTS (SELECT 1 FROM search_entries)")


def downgrade() -> None:
    op.drop_table('search_foldings')
