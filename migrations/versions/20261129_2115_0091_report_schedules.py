"""Reports that are sent each week: to whom, and which week was sent to whom.

Revision ID: 0091
Revises: 0090
"""

from alembic import op
import sqlalchemy as sa


revision = '0091'
down_revision = '0090'
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')


def upgrade() -> None:
    op.create_table('report_schedules',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('code', sa.String(length=20), nullable=False),
    sa.Column('cohort_id', sa.Integer(), nullable=False),
    sa.Column('plan_slug', sa.String(length=90), nullable=False),
    sa.Column('weekday', sa.Integer(), nullable=False),
    sa.Column('hour', sa.Integer(), nullable=False),
    sa.Column('with_pdf', sa.Boolean(), nullable=False),
    sa.Column('with_xlsx', sa.Boolean(), nullable=False),
    sa.Column('begins_on', sa.Date(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('created_by', sa.String(length=40), nullable=False),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('end_reason', sa.Enum('by_hand', 'finished', 'nobody_left', name='scheduleend', native_enum=False, create_constraint=True, length=30), nullable=True),
    sa.CheckConstraint('weekday between 0 and 6', name=op.f('ck_report_schedules_weekday')),
    sa.CheckConstraint('hour between 0 and 23', name=op.f('ck_report_schedules_hour')),
    sa.CheckConstraint('(ended_at is null) = (end_reason is null)', name=op.f('ck_report_schedules_end')),
    sa.ForeignKeyConstraint(['cohort_id'], ['cohorts.id'], name=op.f('fk_report_schedules_cohort_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_report_schedules')),
    sa.UniqueConstraint('code', name=op.f('uq_report_schedules_code'))
    )
    with op.batch_alter_table('report_schedules', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_report_schedules_cohort_id'), ['cohort_id'], unique=False)
    op.create_table('report_recipients',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('schedule_id', sa.Integer(), nullable=False),
    sa.Column('person_id', sa.Integer(), nullable=False),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('end_reason', sa.Enum('unsubscribed', 'not_allowed', name='recipientend', native_enum=False, create_constraint=True, length=30), nullable=True),
    sa.CheckConstraint('(ended_at is null) = (end_reason is null)', name=op.f('ck_report_recipients_end')),
    sa.ForeignKeyConstraint(['person_id'], ['people.id'], name=op.f('fk_report_recipients_person_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['schedule_id'], ['report_schedules.id'], name=op.f('fk_report_recipients_schedule_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_report_recipients')),
    sa.UniqueConstraint('schedule_id', 'person_id', name=op.f('uq_report_recipients_schedule_id_person_id'))
    )
    with op.batch_alter_table('report_recipients', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_report_recipients_person_id'), ['person_id'], unique=False)
    op.create_table('report_sendings',
    sa.Column('id', _BIG, nullable=False),
    sa.Column('schedule_id', sa.Integer(), nullable=False),
    sa.Column('person_id', sa.Integer(), nullable=False),
    sa.Column('week_of', sa.Date(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('first_on', sa.Date(), nullable=False),
    sa.Column('last_on', sa.Date(), nullable=False),
    sa.ForeignKeyConstraint(['person_id'], ['people.id'], name=op.f('fk_report_sendings_person_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['schedule_id'], ['report_schedules.id'], name=op.f('fk_report_sendings_schedule_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_report_sendings')),
    sa.UniqueConstraint('schedule_id', 'person_id', 'week_of', name=op.f('uq_report_sendings_schedule_id_person_id_week_of'))
    )
    with op.batch_alter_table('report_sendings', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_report_sendings_person_id'), ['person_id'], unique=False)


def downgrade() -> None:
    op.drop_table('report_sendings')
    op.drop_table('report_recipients')
    op.drop_table('report_schedules')
