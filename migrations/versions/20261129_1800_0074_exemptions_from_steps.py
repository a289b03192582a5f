"""Exemptions of learners from steps, and that they were taken back.

Revision ID: 0074
Revises: 0073
"""

from alembic import op
import sqlalchemy as sa


revision = '0074'
down_revision = '0073'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('step_exemptions',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('enrollment_id', sa.Integer(), nullable=False),
    sa.Column('step_id', sa.Integer(), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('act', sa.Enum('exempted', 'taken_back', name='exemptionact', native_enum=False, create_constraint=True, length=30), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('by_id', sa.Integer(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint('number >= 1', name=op.f('ck_step_exemptions_number')),
    sa.CheckConstraint("(number % 2 = 1) = (act = 'exempted')", name=op.f('ck_step_exemptions_turn')),
    sa.CheckConstraint("reason <> ''", name=op.f('ck_step_exemptions_reason')),
    sa.ForeignKeyConstraint(['by_id'], ['people.id'], name=op.f('fk_step_exemptions_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['enrollment_id'], ['enrollments.id'], name=op.f('fk_step_exemptions_enrollment_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['step_id'], ['plan_steps.id'], name=op.f('fk_step_exemptions_step_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_step_exemptions')),
    sa.UniqueConstraint('enrollment_id', 'step_id', 'number', name=op.f('uq_step_exemptions_enrollment_id_step_id_number'))
    )
    with op.batch_alter_table('step_exemptions', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_step_exemptions_step_id'), ['step_id'], unique=False)


def downgrade() -> None:
    with op.batch_alter_table('step_exemptions', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_step_exemptions_step_id'))
    op.drop_table('step_exemptions')
