"""Cohorts are put together in drafts, learners are given a mentor, and a cohort can be withdrawn.

Revision ID: 0066
Revises: 0063
"""

from alembic import op
import sqlalchemy as sa

import portal.core.db


revision = '0066'
down_revision = '0063'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('cohort_drafts',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('code', sa.String(length=20), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('created_by_id', sa.Integer(), nullable=False),
    sa.Column('wishes', portal.core.db.Json(), nullable=False),
    sa.Column('joins', sa.Boolean(), nullable=False),
    sa.Column('cohort_id', sa.Integer(), nullable=True),
    sa.Column('done_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('invited', portal.core.db.Json(), nullable=False),
    sa.ForeignKeyConstraint(['cohort_id'], ['cohorts.id'], name=op.f('fk_cohort_drafts_cohort_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['created_by_id'], ['people.id'], name=op.f('fk_cohort_drafts_created_by_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_cohort_drafts')),
    sa.UniqueConstraint('code', name=op.f('uq_cohort_drafts_code'))
    )
    with op.batch_alter_table('cohort_drafts', schema=None) as batch_op:
        batch_op.create_index('ix_cohort_drafts_cohort_id', ['cohort_id'], unique=False)
        batch_op.create_index('ix_cohort_drafts_created_by_id', ['created_by_id'], unique=False)
    with op.batch_alter_table('cohorts', schema=None) as batch_op:
        batch_op.add_column(sa.Column('withdrawn_at', sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column('withdrawn_by', sa.String(length=40), nullable=True))
    with op.batch_alter_table('enrollments', schema=None) as batch_op:
        batch_op.add_column(sa.Column('mentor_id', sa.Integer(), nullable=True))
        batch_op.create_foreign_key(op.f('fk_enrollments_mentor_id'), 'people', ['mentor_id'], ['id'], ondelete='RESTRICT')


def downgrade() -> None:
    with op.batch_alter_table('enrollments', schema=None) as batch_op:
        batch_op.drop_constraint(op.f('fk_enrollments_mentor_id'), type_='foreignkey')
        batch_op.drop_column('mentor_id')
    with op.batch_alter_table('cohorts', schema=None) as batch_op:
        batch_op.drop_column('withdrawn_by')
        batch_op.drop_column('withdrawn_at')
    op.drop_table('cohort_drafts')
