"""Steps before the start, events from which plans count, and when they take place.

Revision ID: 0060
Revises: 0056
"""

from alembic import op
import sqlalchemy as sa

from portal.core.db import WordsType

revision = '0060'
down_revision = '0056'
branch_labels = None
depends_on = None


def upgrade() -> None:
    # NULL for what there is: facts that are NULL are left out of the digest, so that its seals hold.
    with op.batch_alter_table('plan_steps', schema=None) as batch_op:
        batch_op.add_column(sa.Column('event_slug', sa.String(length=60), nullable=True))
        batch_op.drop_constraint(batch_op.f('ck_plan_steps_due_days'), type_='check')
        batch_op.create_check_constraint(batch_op.f('ck_plan_steps_due_days'), 'due_days >= -250')
        batch_op.create_check_constraint(batch_op.f('ck_plan_steps_anchor'), 'anchor_slug is null or event_slug is null')
    op.create_table('plan_events',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('version_id', sa.Integer(), nullable=False),
    sa.Column('slug', sa.String(length=60), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('title', WordsType(), nullable=False),
    sa.ForeignKeyConstraint(['version_id'], ['plan_versions.id'], name=op.f('fk_plan_events_version_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_plan_events')),
    sa.UniqueConstraint('version_id', 'position', name=op.f('uq_plan_events_version_id_position')),
    sa.UniqueConstraint('version_id', 'slug', name=op.f('uq_plan_events_version_id_slug'))
    )
    op.create_table('event_dates',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('plan_id', sa.Integer(), nullable=False),
    sa.Column('event_slug', sa.String(length=60), nullable=False),
    sa.Column('enrollment_id', sa.Integer(), nullable=True),
    sa.Column('cohort_id', sa.Integer(), nullable=True),
    sa.Column('takes_place_on', sa.Date(), nullable=False),
    sa.Column('reason', sa.Text(), nullable=True),
    sa.Column('by_id', sa.Integer(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint('(enrollment_id is null) <> (cohort_id is null)', name=op.f('ck_event_dates_whose')),
    sa.ForeignKeyConstraint(['by_id'], ['people.id'], name=op.f('fk_event_dates_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['cohort_id'], ['cohorts.id'], name=op.f('fk_event_dates_cohort_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['enrollment_id'], ['enrollments.id'], name=op.f('fk_event_dates_enrollment_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['plan_id'], ['plans.id'], name=op.f('fk_event_dates_plan_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_event_dates'))
    )
    with op.batch_alter_table('event_dates', schema=None) as batch_op:
        batch_op.create_index('ix_event_dates_cohort', ['cohort_id', 'plan_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_event_dates_enrollment_id'), ['enrollment_id'], unique=False)


def downgrade() -> None:
    with op.batch_alter_table('event_dates', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_event_dates_enrollment_id'))
        batch_op.drop_index('ix_event_dates_cohort')
    op.drop_table('event_dates')
    op.drop_table('plan_events')
    # There is no other word for it before.
    op.execute('UPDATE plan_steps SET due_days = 0 WHERE due_days < 0')
    with op.batch_alter_table('plan_steps', schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f('ck_plan_steps_anchor'), type_='check')
        batch_op.drop_constraint(batch_op.f('ck_plan_steps_due_days'), type_='check')
        batch_op.create_check_constraint(batch_op.f('ck_plan_steps_due_days'), 'due_days >= 0')
        batch_op.drop_column('event_slug')
