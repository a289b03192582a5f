"""Obligations travel as files: the name of the file, whom it names, and the version of its terms.

Revision ID: 0105
Revises: 0104
"""

from alembic import op
import sqlalchemy as sa


revision = '0105'
down_revision = '0104'
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table('obligations', schema=None) as batch_op:
        batch_op.add_column(sa.Column('slug', sa.String(length=60), nullable=True))
        batch_op.add_column(sa.Column('stated_owner', sa.String(length=254), nullable=True))
        batch_op.add_column(sa.Column('stated_deputy', sa.String(length=254), nullable=True))
        batch_op.add_column(sa.Column('stated_owner_became', sa.String(length=60), nullable=True))
        batch_op.create_unique_constraint(batch_op.f('uq_obligations_slug'), ['slug'])
    op.add_column('obligation_terms', sa.Column('version', sa.String(length=20), nullable=True))


def downgrade() -> None:
    op.drop_column('obligation_terms', 'version')
    with op.batch_alter_table('obligations', schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f('uq_obligations_slug'), type_='unique')
        batch_op.drop_column('stated_owner_became')
        batch_op.drop_column('stated_deputy')
        batch_op.drop_column('stated_owner')
        batch_op.drop_column('slug')
