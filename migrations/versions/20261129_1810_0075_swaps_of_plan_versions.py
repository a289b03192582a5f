"""Which enrollment took the place of which, when somebody goes on in another version of her plan.

Revision ID: 0075
Revises: 0074
"""

from alembic import op
import sqlalchemy as sa


revision = '0075'
down_revision = '0074'
branch_labels = None
depends_on = None


def upgrade() -> None:
    # NULL for what there is: facts that are NULL are left out of the digest, so that its seals hold.
    with op.batch_alter_table('enrollments', schema=None) as batch_op:
        batch_op.add_column(sa.Column('replaces_id', sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column('first_code', sa.String(length=20), nullable=True))
        batch_op.create_foreign_key(op.f('fk_enrollments_replaces_id'), 'enrollments', ['replaces_id'], ['id'], ondelete='RESTRICT')
        batch_op.create_unique_constraint(op.f('uq_enrollments_replaces_id'), ['replaces_id'])
        batch_op.create_check_constraint(op.f('ck_enrollments_replaced'), '(replaces_id is null) = (first_code is null)')
        batch_op.create_index(op.f('ix_enrollments_first_code'), ['first_code'], unique=False)


def downgrade() -> None:
    with op.batch_alter_table('enrollments', schema=None) as batch_op:
        batch_op.drop_index(op.f('ix_enrollments_first_code'))
        batch_op.drop_constraint(op.f('ck_enrollments_replaced'), type_='check')
        batch_op.drop_constraint(op.f('uq_enrollments_replaces_id'), type_='unique')
        batch_op.drop_constraint(op.f('fk_enrollments_replaces_id'), type_='foreignkey')
        batch_op.drop_column('first_code')
        batch_op.drop_column('replaces_id')
