"""Steps of a plan can ask for evidence, for a live session, or for a gate to be passed.

Revision ID: 0063
Revises: 0061
"""

from alembic import op
import sqlalchemy as sa

import portal.core.db


revision = '0063'
down_revision = '0061'
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')


def upgrade() -> None:
    with op.batch_alter_table('plan_steps', schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f('ck_plan_steps_stepkind'), type_='check')
        batch_op.drop_constraint(batch_op.f('ck_plan_steps_sign_off_doer'), type_='check')
        batch_op.add_column(sa.Column('evidence_kinds', portal.core.db.Json(), nullable=True))
        batch_op.add_column(sa.Column('gate_quizzes', portal.core.db.Json(), nullable=True))
        batch_op.add_column(sa.Column('gate_bound', portal.core.db.ExactFraction(length=60), nullable=True))
        batch_op.add_column(sa.Column('gate_minimum', sa.Integer(), nullable=True))
        batch_op.create_check_constraint(
            batch_op.f('ck_plan_steps_stepkind'),
            "kind IN ('read', 'acknowledge', 'quiz', 'sign_off', 'task', 'session', 'gate')",
        )
        batch_op.create_check_constraint(batch_op.f('ck_plan_steps_by_others'), "kind not in ('sign_off', 'session', 'gate') or by <> 'learner'")
        batch_op.create_check_constraint(batch_op.f('ck_plan_steps_by_learner'), "kind in ('sign_off', 'session', 'gate', 'task') or by = 'learner'")
        batch_op.create_check_constraint(batch_op.f('ck_plan_steps_task'), "(kind = 'task') = (evidence_kinds is not null)")
        batch_op.create_check_constraint(batch_op.f('ck_plan_steps_gate'), "(kind = 'gate') = (gate_bound is not null)")
        batch_op.create_check_constraint(batch_op.f('ck_plan_steps_gate_quizzes'), "(gate_quizzes is null) = (gate_bound is null)")
    with op.batch_alter_table('sign_offs', schema=None) as batch_op:
        batch_op.add_column(sa.Column('evidence_no', sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column('figures', portal.core.db.Json(), nullable=True))
    op.create_table('task_evidence',
    sa.Column('id', BIG, nullable=False),
    sa.Column('enrollment_id', sa.Integer(), nullable=False),
    sa.Column('step_id', sa.Integer(), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('said', sa.Text(), nullable=False),
    sa.Column('link', sa.Text(), nullable=False),
    sa.Column('file_name', sa.String(length=200), nullable=True),
    sa.Column('media_type', sa.String(length=100), nullable=True),
    sa.Column('size', sa.Integer(), nullable=True),
    sa.Column('sha256', sa.String(length=64), nullable=True),
    sa.Column('data', sa.LargeBinary(), nullable=True),
    sa.CheckConstraint("said <> '' or link <> '' or file_name is not null", name=op.f('ck_task_evidence_something')),
    sa.CheckConstraint(
        "(file_name is null) = (media_type is null) and (file_name is null) = (size is null)"
        " and (file_name is null) = (sha256 is null) and (file_name is null) = (data is null)",
        name=op.f('ck_task_evidence_file'),
    ),
    sa.CheckConstraint('number >= 1', name=op.f('ck_task_evidence_number')),
    sa.ForeignKeyConstraint(['enrollment_id'], ['enrollments.id'], name=op.f('fk_task_evidence_enrollment_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['step_id'], ['plan_steps.id'], name=op.f('fk_task_evidence_step_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_task_evidence')),
    sa.UniqueConstraint('enrollment_id', 'step_id', 'number', name=op.f('uq_task_evidence_enrollment_id_step_id_number'))
    )
    op.create_table('live_sessions',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('code', sa.String(length=20), nullable=False),
    sa.Column('step_id', sa.Integer(), nullable=False),
    sa.Column('market_id', sa.Integer(), nullable=False),
    sa.Column('cohort_id', sa.Integer(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('created_by_id', sa.Integer(), nullable=False),
    sa.Column('cancelled_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('cancelled_by_id', sa.Integer(), nullable=True),
    sa.Column('cancelled_reason', sa.Text(), nullable=True),
    sa.CheckConstraint('(cancelled_at is null) = (cancelled_by_id is null)', name=op.f('ck_live_sessions_cancelled')),
    sa.CheckConstraint('(cancelled_at is null) = (cancelled_reason is null)', name=op.f('ck_live_sessions_cancelled_reason')),
    sa.ForeignKeyConstraint(['cancelled_by_id'], ['people.id'], name=op.f('fk_live_sessions_cancelled_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['cohort_id'], ['cohorts.id'], name=op.f('fk_live_sessions_cohort_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['created_by_id'], ['people.id'], name=op.f('fk_live_sessions_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['market_id'], ['markets.id'], name=op.f('fk_live_sessions_market_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['step_id'], ['plan_steps.id'], name=op.f('fk_live_sessions_step_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_live_sessions')),
    sa.UniqueConstraint('code', name=op.f('uq_live_sessions_code'))
    )
    op.create_table('session_times',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('session_id', sa.Integer(), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('starts_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ends_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('place', sa.Text(), nullable=False),
    sa.Column('link', sa.Text(), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('by_id', sa.Integer(), nullable=False),
    sa.CheckConstraint("place <> '' or link <> ''", name=op.f('ck_session_times_somewhere')),
    sa.CheckConstraint('ends_at > starts_at', name=op.f('ck_session_times_period')),
    sa.ForeignKeyConstraint(['by_id'], ['people.id'], name=op.f('fk_session_times_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['session_id'], ['live_sessions.id'], name=op.f('fk_session_times_session_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_session_times')),
    sa.UniqueConstraint('session_id', 'number', name=op.f('uq_session_times_session_id_number'))
    )
    op.create_table('session_seats',
    sa.Column('id', BIG, nullable=False),
    sa.Column('session_id', sa.Integer(), nullable=False),
    sa.Column('enrollment_id', sa.Integer(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('by_id', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['by_id'], ['people.id'], name=op.f('fk_session_seats_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['enrollment_id'], ['enrollments.id'], name=op.f('fk_session_seats_enrollment_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['session_id'], ['live_sessions.id'], name=op.f('fk_session_seats_session_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_session_seats')),
    sa.UniqueConstraint('session_id', 'enrollment_id', name=op.f('uq_session_seats_session_id_enrollment_id'))
    )
    op.create_table('attendances',
    sa.Column('id', BIG, nullable=False),
    sa.Column('session_id', sa.Integer(), nullable=False),
    sa.Column('enrollment_id', sa.Integer(), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('presence', sa.Enum('present', 'absent', 'excused', name='presence', native_enum=False, create_constraint=True, length=30), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('by_id', sa.Integer(), nullable=False),
    sa.CheckConstraint("number = 1 or reason <> ''", name=op.f('ck_attendances_reason')),
    sa.CheckConstraint('number >= 1', name=op.f('ck_attendances_number')),
    sa.ForeignKeyConstraint(['by_id'], ['people.id'], name=op.f('fk_attendances_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['enrollment_id'], ['enrollments.id'], name=op.f('fk_attendances_enrollment_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['session_id'], ['live_sessions.id'], name=op.f('fk_attendances_session_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_attendances')),
    sa.UniqueConstraint('session_id', 'enrollment_id', 'number', name=op.f('uq_attendances_session_id_enrollment_id_number'))
    )
    with op.batch_alter_table('task_evidence', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_task_evidence_step_id'), ['step_id'], unique=False)
    with op.batch_alter_table('live_sessions', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_live_sessions_step_id'), ['step_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_live_sessions_cohort_id'), ['cohort_id'], unique=False)
    with op.batch_alter_table('session_seats', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_session_seats_enrollment_id'), ['enrollment_id'], unique=False)
    with op.batch_alter_table('attendances', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_attendances_enrollment_id'), ['enrollment_id'], unique=False)


def downgrade() -> None:
    op.drop_table('attendances')
    op.drop_table('session_seats')
    op.drop_table('session_times')
    op.drop_table('live_sessions')
    op.drop_table('task_evidence')
    with op.batch_alter_table('sign_offs', schema=None) as batch_op:
        batch_op.drop_column('figures')
        batch_op.drop_column('evidence_no')
    # What is nearest among the kinds that there were; what was handed in and attended is gone.
    op.execute(
        "UPDATE plan_steps SET kind = 'sign_off', \"by\" = CASE WHEN \"by\" = 'learner' THEN 'lead' ELSE \"by\" END,"
        " evidence_kinds = NULL, gate_quizzes = NULL, gate_bound = NULL, gate_minimum = NULL"
        " WHERE kind IN ('task', 'session', 'gate')"
    )
    with op.batch_alter_table('plan_steps', schema=None) as batch_op:
        for name in ('by_others', 'by_learner', 'task', 'gate', 'gate_quizzes', 'stepkind'):
            batch_op.drop_constraint(batch_op.f(f'ck_plan_steps_{name}'), type_='check')
        batch_op.drop_column('gate_minimum')
        batch_op.drop_column('gate_bound')
        batch_op.drop_column('gate_quizzes')
        batch_op.drop_column('evidence_kinds')
        batch_op.create_check_constraint(batch_op.f('ck_plan_steps_stepkind'), "kind IN ('read', 'acknowledge', 'quiz', 'sign_off')")
        batch_op.create_check_constraint(batch_op.f('ck_plan_steps_sign_off_doer'), "(kind = 'sign_off') = (by <> 'learner')")
