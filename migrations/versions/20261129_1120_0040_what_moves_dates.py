"""More time for a whole plan, other first days, pauses, shifts, and why a plan was ended.

Revision ID: 0040
Revises: 0033
"""

from alembic import op
import sqlalchemy as sa


revision = '0040'
down_revision = '0033'
branch_labels = None
depends_on = None


def upgrade() -> None:
    # NULL for what there is: facts that are NULL are left out of the digest, so that its seals hold.
    op.add_column('enrollments', sa.Column('ended_reason', sa.Text(), nullable=True))
    op.create_table('plan_extensions',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('enrollment_id', sa.Integer(), nullable=False),
    sa.Column('working_days', sa.Integer(), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('by_id', sa.Integer(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint('working_days > 0', name=op.f('ck_plan_extensions_working_days')),
    sa.ForeignKeyConstraint(['by_id'], ['people.id'], name=op.f('fk_plan_extensions_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['enrollment_id'], ['enrollments.id'], name=op.f('fk_plan_extensions_enrollment_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_plan_extensions'))
    )
    with op.batch_alter_table('plan_extensions', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_plan_extensions_enrollment_id'), ['enrollment_id'], unique=False)
    op.create_table('new_starts',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('enrollment_id', sa.Integer(), nullable=False),
    sa.Column('starts_on', sa.Date(), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('by_id', sa.Integer(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['by_id'], ['people.id'], name=op.f('fk_new_starts_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['enrollment_id'], ['enrollments.id'], name=op.f('fk_new_starts_enrollment_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_new_starts'))
    )
    with op.batch_alter_table('new_starts', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_new_starts_enrollment_id'), ['enrollment_id'], unique=False)
    op.create_table('enrollment_pauses',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('enrollment_id', sa.Integer(), nullable=False),
    sa.Column('first_on', sa.Date(), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('by_id', sa.Integer(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('resumes_on', sa.Date(), nullable=True),
    sa.Column('resumed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('resumed_by_id', sa.Integer(), nullable=True),
    sa.CheckConstraint('(resumes_on is null) = (resumed_at is null)', name=op.f('ck_enrollment_pauses_resumed')),
    sa.CheckConstraint('resumes_on is null or resumes_on >= first_on', name=op.f('ck_enrollment_pauses_period')),
    sa.ForeignKeyConstraint(['by_id'], ['people.id'], name=op.f('fk_enrollment_pauses_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['enrollment_id'], ['enrollments.id'], name=op.f('fk_enrollment_pauses_enrollment_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['resumed_by_id'], ['people.id'], name=op.f('fk_enrollment_pauses_resumed_by_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_enrollment_pauses'))
    )
    with op.batch_alter_table('enrollment_pauses', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_enrollment_pauses_enrollment_id'), ['enrollment_id'], unique=False)
        batch_op.create_index('uq_enrollment_pauses_open', ['enrollment_id'], unique=True, sqlite_where=sa.text('resumes_on is null'), postgresql_where=sa.text('resumes_on is null'))
    op.create_table('shift_patterns',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('person_id', sa.Integer(), nullable=False),
    sa.Column('first_on', sa.Date(), nullable=False),
    sa.Column('cycle', sa.String(length=60), nullable=True),
    sa.Column('works_holidays', sa.Boolean(), nullable=False),
    sa.Column('recorded_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('recorded_by', sa.String(length=40), nullable=False),
    sa.Column('withdrawn_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('withdrawn_by', sa.String(length=40), nullable=True),
    sa.ForeignKeyConstraint(['person_id'], ['people.id'], name=op.f('fk_shift_patterns_person_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_shift_patterns'))
    )
    with op.batch_alter_table('shift_patterns', schema=None) as batch_op:
        batch_op.create_index('ix_shift_patterns_person', ['person_id', 'withdrawn_at'], unique=False)


def downgrade() -> None:
    with op.batch_alter_table('shift_patterns', schema=None) as batch_op:
        batch_op.drop_index('ix_shift_patterns_person')
    op.drop_table('shift_patterns')
    with op.batch_alter_table('enrollment_pauses', schema=None) as batch_op:
        batch_op.drop_index('uq_enrollment_pauses_open', sqlite_where=sa.text('resumes_on is null'), postgresql_where=sa.text('resumes_on is null'))
        batch_op.drop_index(batch_op.f('ix_enrollment_pauses_enrollment_id'))
    op.drop_table('enrollment_pauses')
    with op.batch_alter_table('new_starts', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_new_starts_enrollment_id'))
    op.drop_table('new_starts')
    with op.batch_alter_table('plan_extensions', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_plan_extensions_enrollment_id'))
    op.drop_table('plan_extensions')
    with op.batch_alter_table('enrollments', schema=None) as batch_op:
        batch_op.drop_column('ended_reason')
