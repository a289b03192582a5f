"""codes of jobs.

Revision ID: 0007
Revises: 0006
"""

from alembic import op
import sqlalchemy as sa

from portal.core.codes import new_code


revision = '0007'
down_revision = '0006'
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table('jobs', schema=None) as batch_op:
        batch_op.add_column(sa.Column('code', sa.String(length=20), nullable=True))
    jobs = sa.table('jobs', sa.column('id', sa.BigInteger), sa.column('code', sa.String))
    connection = op.get_bind()
    for number in connection.scalars(sa.select(jobs.c.id)).all():
        connection.execute(jobs.update().where(jobs.c.id == number).values(code=new_code()))
    with op.batch_alter_table('jobs', schema=None) as batch_op:
        batch_op.alter_column('code', existing_type=sa.String(length=20), nullable=False)
        batch_op.create_unique_constraint(batch_op.f('uq_jobs_code'), ['code'])


def downgrade() -> None:
    with op.batch_alter_table('jobs', schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f('uq_jobs_code'), type_='unique')
        batch_op.drop_column('code')
