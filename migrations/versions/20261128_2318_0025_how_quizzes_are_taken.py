"""How quizzes are taken: one by one, with confidence, breaks, practice; late answers kept.

Revision ID: 0025
Revises: 0024
"""

from alembic import op
import sqlalchemy as sa


OLD_KINDS = "'started', 'saved', 'focus_lost', 'focus_regained', 'offline', 'online', 'second_tab', 'refused', 'extended'"
NEW_KINDS = "'accommodated', 'break_begun', 'break_ended', 'moved_on', 'accepted'"
STEPS = "'submitted', 'marked', 'released', 'voided'"

revision = '0025'
down_revision = '0024'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('practice_answers',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('code', sa.String(length=20), nullable=False),
    sa.Column('person_id', sa.Integer(), nullable=False),
    sa.Column('quiz_id', sa.Integer(), nullable=False),
    sa.Column('question_version_id', sa.Integer(), nullable=False),
    sa.Column('choice_order', sa.Text(), nullable=False),
    sa.Column('shown_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('answer', sa.Text(), nullable=True),
    sa.Column('answered_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('points', sa.String(length=60), nullable=True),
    sa.CheckConstraint('(answered_at is null) = (answer is null)', name=op.f('ck_practice_answers_answer')),
    sa.CheckConstraint('(answered_at is null) = (points is null)', name=op.f('ck_practice_answers_points')),
    sa.ForeignKeyConstraint(['person_id'], ['people.id'], name=op.f('fk_practice_answers_person_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['question_version_id'], ['question_versions.id'], name=op.f('fk_practice_answers_question_version_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['quiz_id'], ['quizzes.id'], name=op.f('fk_practice_answers_quiz_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_practice_answers')),
    sa.UniqueConstraint('code', name=op.f('uq_practice_answers_code'))
    )
    with op.batch_alter_table('practice_answers', schema=None) as batch_op:
        batch_op.create_index('ix_practice_answers_person_id_quiz_id', ['person_id', 'quiz_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_practice_answers_question_version_id'), ['question_version_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_practice_answers_quiz_id'), ['quiz_id'], unique=False)

    op.create_table('refused_answers',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('code', sa.String(length=20), nullable=False),
    sa.Column('attempt_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('item_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('seq', sa.Integer(), nullable=False),
    sa.Column('answer', sa.Text(), nullable=False),
    sa.Column('hash', sa.String(length=64), nullable=False),
    sa.Column('confidence', sa.Enum('sure', 'fairly', 'guess', name='confidence', native_enum=False, create_constraint=True, length=30), nullable=True),
    sa.Column('received_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('late_seconds', sa.Integer(), nullable=False),
    sa.Column('accepted_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('accepted_by', sa.String(length=40), nullable=True),
    sa.Column('reason', sa.Text(), nullable=True),
    sa.CheckConstraint('(accepted_at is null) = (accepted_by is null)', name=op.f('ck_refused_answers_accepted_by')),
    sa.CheckConstraint('(accepted_at is null) = (reason is null)', name=op.f('ck_refused_answers_reason')),
    sa.CheckConstraint('late_seconds > 0', name=op.f('ck_refused_answers_late_seconds')),
    sa.CheckConstraint('seq >= 1', name=op.f('ck_refused_answers_seq')),
    sa.ForeignKeyConstraint(['attempt_id'], ['attempts.id'], name=op.f('fk_refused_answers_attempt_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['item_id'], ['items.id'], name=op.f('fk_refused_answers_item_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_refused_answers')),
    sa.UniqueConstraint('code', name=op.f('uq_refused_answers_code')),
    sa.UniqueConstraint('item_id', 'seq', name='uq_refused_answers_item_id_seq')
    )
    with op.batch_alter_table('refused_answers', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_refused_answers_attempt_id'), ['attempt_id'], unique=False)

    with op.batch_alter_table('accommodations', schema=None) as batch_op:
        batch_op.add_column(sa.Column('break_minutes', sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column('alternative_format', sa.String(length=200), nullable=True))
        batch_op.add_column(sa.Column('needs_second', sa.Boolean(), nullable=True))
        batch_op.add_column(sa.Column('confirmed_at', sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column('confirmed_by', sa.String(length=40), nullable=True))
        batch_op.create_check_constraint(
            batch_op.f('ck_accommodations_confirmed_by'), '(confirmed_at is null) = (confirmed_by is null)'
        )
        batch_op.create_check_constraint(batch_op.f('ck_accommodations_two_people'), 'confirmed_by <> approved_by')
        batch_op.create_check_constraint(batch_op.f('ck_accommodations_break_minutes'), 'break_minutes > 0')

    with op.batch_alter_table('attempts', schema=None) as batch_op:
        batch_op.add_column(sa.Column('break_allowance_seconds', sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column('break_seconds', sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column('break_began_at', sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column('break_until', sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column('reached', sa.Integer(), nullable=True))
        batch_op.create_check_constraint(
            batch_op.f('ck_attempts_break_seconds'),
            'break_seconds is null or break_seconds between 0 and break_allowance_seconds',
        )
        batch_op.create_check_constraint(
            batch_op.f('ck_attempts_break_until'), '(break_began_at is null) = (break_until is null)'
        )
        batch_op.create_check_constraint(batch_op.f('ck_attempts_reached'), 'reached >= 1')

    with op.batch_alter_table('attempt_events', schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f('ck_attempt_events_eventkind'), type_='check')
        batch_op.create_check_constraint(
            batch_op.f('ck_attempt_events_eventkind'), f"kind IN ({OLD_KINDS}, {NEW_KINDS}, {STEPS})"
        )

    with op.batch_alter_table('quiz_versions', schema=None) as batch_op:
        batch_op.add_column(sa.Column('navigation', sa.String(length=30), nullable=True))
        batch_op.add_column(sa.Column('layout', sa.String(length=30), nullable=True))
        batch_op.add_column(sa.Column('confidence', sa.Boolean(), nullable=True))
        batch_op.add_column(sa.Column('practice', sa.Boolean(), nullable=True))
        batch_op.create_check_constraint(
            batch_op.f('ck_quiz_versions_navigation'), "navigation IN ('free', 'forward_only')"
        )
        batch_op.create_check_constraint(batch_op.f('ck_quiz_versions_layout'), "layout IN ('all', 'one_per_page')")
        batch_op.create_check_constraint(
            batch_op.f('ck_quiz_versions_forward_only'),
            "coalesce(navigation, 'free') <> 'forward_only' or coalesce(layout, 'all') = 'one_per_page'",
        )

    with op.batch_alter_table('responses', schema=None) as batch_op:
        batch_op.add_column(sa.Column('confidence', sa.String(length=30), nullable=True))
        batch_op.create_check_constraint(
            batch_op.f('ck_responses_confidence'), "confidence IN ('sure', 'fairly', 'guess')"
        )



def downgrade() -> None:
    with op.batch_alter_table('responses', schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f('ck_responses_confidence'), type_='check')
        batch_op.drop_column('confidence')

    with op.batch_alter_table('quiz_versions', schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f('ck_quiz_versions_forward_only'), type_='check')
        batch_op.drop_constraint(batch_op.f('ck_quiz_versions_layout'), type_='check')
        batch_op.drop_constraint(batch_op.f('ck_quiz_versions_navigation'), type_='check')
        batch_op.drop_column('practice')
        batch_op.drop_column('confidence')
        batch_op.drop_column('layout')
        batch_op.drop_column('navigation')

    with op.batch_alter_table('attempt_events', schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f('ck_attempt_events_eventkind'), type_='check')
        batch_op.create_check_constraint(
            batch_op.f('ck_attempt_events_eventkind'), f"kind IN ({OLD_KINDS}, {STEPS})"
        )

    with op.batch_alter_table('attempts', schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f('ck_attempts_reached'), type_='check')
        batch_op.drop_constraint(batch_op.f('ck_attempts_break_until'), type_='check')
        batch_op.drop_constraint(batch_op.f('ck_attempts_break_seconds'), type_='check')
        batch_op.drop_column('reached')
        batch_op.drop_column('break_until')
        batch_op.drop_column('break_began_at')
        batch_op.drop_column('break_seconds')
        batch_op.drop_column('break_allowance_seconds')

    with op.batch_alter_table('accommodations', schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f('ck_accommodations_break_minutes'), type_='check')
        batch_op.drop_constraint(batch_op.f('ck_accommodations_two_people'), type_='check')
        batch_op.drop_constraint(batch_op.f('ck_accommodations_confirmed_by'), type_='check')
        batch_op.drop_column('confirmed_by')
        batch_op.drop_column('confirmed_at')
        batch_op.drop_column('needs_second')
        batch_op.drop_column('alternative_format')
        batch_op.drop_column('break_minutes')

    with op.batch_alter_table('refused_answers', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_refused_answers_attempt_id'))

    op.drop_table('refused_answers')
    with op.batch_alter_table('practice_answers', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_practice_answers_quiz_id'))
        batch_op.drop_index(batch_op.f('ix_practice_answers_question_version_id'))
        batch_op.drop_index('ix_practice_answers_person_id_quiz_id')

    op.drop_table('practice_answers')
