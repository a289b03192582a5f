"""Two people set scores by hand and exempt from quizzes; transcripts are printed.

Lines of before are results of attempts, and stay what they are.

Revision ID: 0028
Revises: 0026
"""

from alembic import op
import sqlalchemy as sa


revision = '0028'
down_revision = '0026'
branch_labels = None
depends_on = None

OF_ATTEMPT = "kind in ('result', 'correction')"
BIG = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')
KINDS = "'result', 'correction', 'override', 'exemption', 'withdrawal'"


def upgrade() -> None:
    op.create_table('grade_decisions',
    sa.Column('id', BIG, nullable=False),
    sa.Column('code', sa.String(length=20), nullable=False),
    sa.Column('person_id', sa.Integer(), nullable=False),
    sa.Column('quiz_id', sa.Integer(), nullable=False),
    sa.Column('quiz_version_id', sa.Integer(), nullable=False),
    sa.Column('wish', sa.Enum('override', 'exemption', 'withdrawal', name='wish', native_enum=False, create_constraint=True, length=30), nullable=False),
    sa.Column('score', sa.String(length=60), nullable=True),
    sa.Column('withdraws_no', sa.Integer(), nullable=True),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('asked_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('asked_by_id', sa.Integer(), nullable=False),
    sa.Column('closed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('closed_by_id', sa.Integer(), nullable=True),
    sa.Column('is_confirmed', sa.Boolean(), nullable=True),
    sa.Column('note', sa.Text(), nullable=True),
    sa.CheckConstraint("(wish = 'override') = (score is not null)", name=op.f('ck_grade_decisions_score')),
    sa.CheckConstraint("(wish = 'withdrawal') = (withdraws_no is not null)", name=op.f('ck_grade_decisions_withdraws')),
    sa.CheckConstraint('(closed_at is null) = (closed_by_id is null)', name=op.f('ck_grade_decisions_closed')),
    sa.CheckConstraint('(closed_at is null) = (is_confirmed is null)', name=op.f('ck_grade_decisions_confirmed')),
    sa.CheckConstraint('asked_by_id <> person_id', name=op.f('ck_grade_decisions_not_own')),
    sa.CheckConstraint('is_confirmed is null or not is_confirmed or (closed_by_id <> asked_by_id and closed_by_id <> person_id)', name=op.f('ck_grade_decisions_two_people')),
    sa.ForeignKeyConstraint(['asked_by_id'], ['people.id'], name=op.f('fk_grade_decisions_asked_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['closed_by_id'], ['people.id'], name=op.f('fk_grade_decisions_closed_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['person_id'], ['people.id'], name=op.f('fk_grade_decisions_person_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['quiz_id'], ['quizzes.id'], name=op.f('fk_grade_decisions_quiz_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['quiz_version_id'], ['quiz_versions.id'], name=op.f('fk_grade_decisions_quiz_version_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_grade_decisions')),
    sa.UniqueConstraint('code', name=op.f('uq_grade_decisions_code'))
    )
    with op.batch_alter_table('grade_decisions', schema=None) as batch_op:
        batch_op.create_index('ix_grade_decisions_person_id_quiz_id', ['person_id', 'quiz_id', 'id'], unique=False)
        batch_op.create_index(batch_op.f('ix_grade_decisions_quiz_id'), ['quiz_id'], unique=False)
        batch_op.create_index('uq_grade_decisions_open', ['person_id', 'quiz_id'], unique=True, sqlite_where=sa.text('closed_at is null'), postgresql_where=sa.text('closed_at is null'))

    op.create_table('transcript_files',
    sa.Column('id', BIG, nullable=False),
    sa.Column('code', sa.String(length=20), nullable=False),
    sa.Column('person_id', sa.Integer(), nullable=False),
    sa.Column('language', sa.String(length=2), nullable=False),
    sa.Column('asked_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('asked_by', sa.String(length=40), nullable=False),
    sa.Column('made_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('content', sa.LargeBinary(), nullable=True),
    sa.CheckConstraint("language in ('en', 'ja')", name=op.f('ck_transcript_files_language')),
    sa.ForeignKeyConstraint(['person_id'], ['people.id'], name=op.f('fk_transcript_files_person_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_transcript_files')),
    sa.UniqueConstraint('code', name=op.f('uq_transcript_files_code'))
    )
    with op.batch_alter_table('transcript_files', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_transcript_files_asked_at'), ['asked_at'], unique=False)
        batch_op.create_index(batch_op.f('ix_transcript_files_person_id'), ['person_id'], unique=False)

    with op.batch_alter_table('score_entries', schema=None) as batch_op:
        batch_op.add_column(sa.Column('reason', sa.Text(), nullable=True))
        batch_op.add_column(sa.Column('decision_id', BIG, nullable=True))
        batch_op.add_column(sa.Column('withdraws_no', sa.Integer(), nullable=True))
        batch_op.alter_column('attempt_id',
               existing_type=BIG,
               nullable=True)
        batch_op.alter_column('score',
               existing_type=sa.String(length=60),
               nullable=True)
        batch_op.alter_column('passed',
               existing_type=sa.Boolean(),
               nullable=True)
        batch_op.drop_constraint(batch_op.f('ck_score_entries_entrykind'), type_='check')
        batch_op.create_check_constraint(batch_op.f('ck_score_entries_entrykind'), f'kind in ({KINDS})')
        batch_op.create_check_constraint(
            batch_op.f('ck_score_entries_attempt'), f'({OF_ATTEMPT}) = (attempt_id is not null)'
        )
        batch_op.create_check_constraint(
            batch_op.f('ck_score_entries_score'), f"({OF_ATTEMPT} or kind = 'override') = (score is not null)"
        )
        batch_op.create_check_constraint(
            batch_op.f('ck_score_entries_passed'), '(score is null) = (passed is null)'
        )
        batch_op.create_check_constraint(
            batch_op.f('ck_score_entries_decision'), f'({OF_ATTEMPT}) = (decision_id is null)'
        )
        batch_op.create_check_constraint(
            batch_op.f('ck_score_entries_withdraws'), "(kind = 'withdrawal') = (withdraws_no is not null)"
        )
        batch_op.create_check_constraint(
            batch_op.f('ck_score_entries_withdraws_earlier'), 'withdraws_no is null or withdraws_no < entry_no'
        )
        batch_op.create_index('uq_score_entries_by_hand', ['person_id', 'quiz_id', 'entry_no'], unique=True, sqlite_where=sa.text('attempt_id is null'), postgresql_where=sa.text('attempt_id is null'))
        batch_op.create_unique_constraint(batch_op.f('uq_score_entries_decision_id'), ['decision_id'])
        batch_op.create_unique_constraint('uq_score_entries_withdraws', ['person_id', 'quiz_id', 'withdraws_no'])
        batch_op.create_foreign_key(batch_op.f('fk_score_entries_decision_id'), 'grade_decisions', ['decision_id'], ['id'], ondelete='RESTRICT')

    with op.batch_alter_table('step_completions', schema=None) as batch_op:
        batch_op.add_column(sa.Column('score_entry_id', BIG, nullable=True))
        batch_op.drop_constraint(batch_op.f('ck_step_completions_score'), type_='check')
        batch_op.create_check_constraint(
            batch_op.f('ck_step_completions_score'), 'attempt_code is null or score is not null'
        )
        batch_op.create_check_constraint(
            batch_op.f('ck_step_completions_score_of'),
            'score is null or attempt_code is not null or score_entry_id is not null',
        )
        batch_op.create_foreign_key(batch_op.f('fk_step_completions_score_entry_id'), 'score_entries', ['score_entry_id'], ['id'], ondelete='RESTRICT')



def downgrade() -> None:
    # What was decided by hand cannot be said in the tables of before: seals that name it are found missing then.
    op.execute("DELETE FROM step_completions WHERE score_entry_id IS NOT NULL")
    op.execute("DELETE FROM score_entries WHERE attempt_id IS NULL")
    op.execute("UPDATE score_entries SET kind = 'result' WHERE kind = 'correction'")
    with op.batch_alter_table('step_completions', schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f('ck_step_completions_score_of'), type_='check')
        batch_op.drop_constraint(batch_op.f('ck_step_completions_score'), type_='check')
        batch_op.create_check_constraint(
            batch_op.f('ck_step_completions_score'), '(score is null) = (attempt_code is null)'
        )
        batch_op.drop_constraint(batch_op.f('fk_step_completions_score_entry_id'), type_='foreignkey')
        batch_op.drop_column('score_entry_id')

    with op.batch_alter_table('score_entries', schema=None) as batch_op:
        for name in ('attempt', 'score', 'passed', 'decision', 'withdraws', 'withdraws_earlier'):
            batch_op.drop_constraint(batch_op.f(f'ck_score_entries_{name}'), type_='check')
        batch_op.drop_constraint(batch_op.f('ck_score_entries_entrykind'), type_='check')
        batch_op.create_check_constraint(batch_op.f('ck_score_entries_entrykind'), "kind in ('result')")
        batch_op.drop_constraint(batch_op.f('fk_score_entries_decision_id'), type_='foreignkey')
        batch_op.drop_constraint('uq_score_entries_withdraws', type_='unique')
        batch_op.drop_constraint(batch_op.f('uq_score_entries_decision_id'), type_='unique')
        batch_op.drop_index('uq_score_entries_by_hand', sqlite_where=sa.text('attempt_id is null'), postgresql_where=sa.text('attempt_id is null'))
        batch_op.alter_column('passed',
               existing_type=sa.Boolean(),
               nullable=False)
        batch_op.alter_column('score',
               existing_type=sa.String(length=60),
               nullable=False)
        batch_op.alter_column('attempt_id',
               existing_type=BIG,
               nullable=False)
        batch_op.drop_column('withdraws_no')
        batch_op.drop_column('decision_id')
        batch_op.drop_column('reason')

    with op.batch_alter_table('transcript_files', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_transcript_files_person_id'))
        batch_op.drop_index(batch_op.f('ix_transcript_files_asked_at'))

    op.drop_table('transcript_files')
    with op.batch_alter_table('grade_decisions', schema=None) as batch_op:
        batch_op.drop_index('uq_grade_decisions_open', sqlite_where=sa.text('closed_at is null'), postgresql_where=sa.text('closed_at is null'))
        batch_op.drop_index(batch_op.f('ix_grade_decisions_quiz_id'))
        batch_op.drop_index('ix_grade_decisions_person_id_quiz_id')

    op.drop_table('grade_decisions')
