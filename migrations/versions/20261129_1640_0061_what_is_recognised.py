"""How old an earlier completion may be that counts in a plan, and which one it was.

Revision ID: 0061
Revises: 0060
"""

from alembic import op
import sqlalchemy as sa


revision = '0061'
down_revision = '0060'
branch_labels = None
depends_on = None


def upgrade() -> None:
    # NULL for what there is: facts that are NULL are left out of the digest, so that its seals hold.
    with op.batch_alter_table('plan_steps', schema=None) as batch_op:
        batch_op.add_column(sa.Column('recognise_days', sa.Integer(), nullable=True))
        batch_op.create_check_constraint(batch_op.f('ck_plan_steps_recognise_days'), 'recognise_days is null or recognise_days > 0')
    with op.batch_alter_table('step_completions', schema=None) as batch_op:
        batch_op.add_column(sa.Column('recognised_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True))
        batch_op.create_foreign_key(
            batch_op.f('fk_step_completions_recognised_id'), 'step_completions', ['recognised_id'], ['id'], ondelete='RESTRICT'
        )


def downgrade() -> None:
    with op.batch_alter_table('step_completions', schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f('fk_step_completions_recognised_id'), type_='foreignkey')
        batch_op.drop_column('recognised_id')
    with op.batch_alter_table('plan_steps', schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f('ck_plan_steps_recognise_days'), type_='check')
        batch_op.drop_column('recognise_days')
