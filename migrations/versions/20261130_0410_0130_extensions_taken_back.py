"""More time that was given to a learner can be taken back: a row says so, and none is changed.

Revision ID: 0130
Revises: 0126
"""

from alembic import op
import sqlalchemy as sa


revision = '0130'
down_revision = '0126'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('extensions_taken_back',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('enrollment_id', sa.Integer(), nullable=False),
    sa.Column('step_extension_id', sa.Integer(), nullable=True),
    sa.Column('plan_extension_id', sa.Integer(), nullable=True),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('by_id', sa.Integer(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint('(step_extension_id is null) <> (plan_extension_id is null)', name=op.f('ck_extensions_taken_back_which')),
    sa.CheckConstraint("reason <> ''", name=op.f('ck_extensions_taken_back_reason')),
    sa.ForeignKeyConstraint(['enrollment_id'], ['enrollments.id'], name=op.f('fk_extensions_taken_back_enrollment_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['step_extension_id'], ['step_extensions.id'], name=op.f('fk_extensions_taken_back_step_extension_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['plan_extension_id'], ['plan_extensions.id'], name=op.f('fk_extensions_taken_back_plan_extension_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['by_id'], ['people.id'], name=op.f('fk_extensions_taken_back_by_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_extensions_taken_back')),
    sa.UniqueConstraint('step_extension_id', name=op.f('uq_extensions_taken_back_step_extension_id')),
    sa.UniqueConstraint('plan_extension_id', name=op.f('uq_extensions_taken_back_plan_extension_id'))
    )
    op.create_index(op.f('ix_extensions_taken_back_enrollment_id'), 'extensions_taken_back', ['enrollment_id'], unique=False)


def downgrade() -> None:
    op.drop_table('extensions_taken_back')
