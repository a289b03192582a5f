"""From which training in another plan a learner went on.

Revision ID: 0147
Revises: 0146
"""

from alembic import op
import sqlalchemy as sa


revision = '0147'
down_revision = '0146'
branch_labels = None
depends_on = None


def upgrade() -> None:
    # NULL for what there is: facts that are NULL are left out of the digest, so that its seals hold.
    with op.batch_alter_table('enrollments', schema=None) as batch_op:
        batch_op.add_column(sa.Column('moved_from_id', sa.Integer(), nullable=True))
        batch_op.create_foreign_key(op.f('fk_enrollments_moved_from_id'), 'enrollments', ['moved_from_id'], ['id'], ondelete='RESTRICT')
        batch_op.create_unique_constraint(op.f('uq_enrollments_moved_from_id'), ['moved_from_id'])


def downgrade() -> None:
    with op.batch_alter_table('enrollments', schema=None) as batch_op:
        batch_op.drop_constraint(op.f('uq_enrollments_moved_from_id'), type_='unique')
        batch_op.drop_constraint(op.f('fk_enrollments_moved_from_id'), type_='foreignkey')
        batch_op.drop_column('moved_from_id')
