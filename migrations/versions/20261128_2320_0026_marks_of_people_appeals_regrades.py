"""Marks that people give, appeals against markings, regrades by two persons.

Revision ID: 0026
Revises: 0027
"""

from alembic import op
import sqlalchemy as sa


revision = '0026'
down_revision = '0027'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('answers_to_mark',
    sa.Column('item_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=False, nullable=False),
    sa.Column('code', sa.String(length=20), nullable=False),
    sa.Column('round', sa.Enum('first', 'second', 'moderation', name='markround', native_enum=False, create_constraint=True, length=30), nullable=True),
    sa.Column('since', sa.DateTime(timezone=True), nullable=False),
    sa.Column('taken_by', sa.String(length=40), nullable=True),
    sa.Column('taken_until', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint('(taken_by is null) = (taken_until is null)', name=op.f('ck_answers_to_mark_taken')),
    sa.ForeignKeyConstraint(['item_id'], ['items.id'], name=op.f('fk_answers_to_mark_item_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('item_id', name=op.f('pk_answers_to_mark')),
    sa.UniqueConstraint('code', name=op.f('uq_answers_to_mark_code'))
    )
    with op.batch_alter_table('answers_to_mark', schema=None) as batch_op:
        batch_op.create_index('ix_answers_to_mark_round', ['round', 'since'], unique=False)

    op.create_table('appeals',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('code', sa.String(length=20), nullable=False),
    sa.Column('item_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('words', sa.Text(), nullable=False),
    sa.Column('made_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('answered_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('answered_by', sa.String(length=40), nullable=True),
    sa.Column('is_upheld', sa.Boolean(), nullable=True),
    sa.Column('remedy', sa.Enum('regrade', 'remark', name='remedy', native_enum=False, create_constraint=True, length=30), nullable=True),
    sa.Column('answer', sa.Text(), nullable=True),
    sa.CheckConstraint('(answered_at is null) = (is_upheld is null)', name=op.f('ck_appeals_answered')),
    sa.CheckConstraint('remedy is null or is_upheld', name=op.f('ck_appeals_remedy_upheld')),
    sa.ForeignKeyConstraint(['item_id'], ['items.id'], name=op.f('fk_appeals_item_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_appeals')),
    sa.UniqueConstraint('code', name=op.f('uq_appeals_code'))
    )
    with op.batch_alter_table('appeals', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_appeals_item_id'), ['item_id'], unique=False)
        batch_op.create_index('uq_appeals_open', ['item_id'], unique=True, sqlite_where=sa.text('answered_at is null'), postgresql_where=sa.text('answered_at is null'))

    op.create_table('mark_drafts',
    sa.Column('item_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=False, nullable=False),
    sa.Column('person_id', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('given', sa.Text(), nullable=False),
    sa.Column('saved_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['item_id'], ['items.id'], name=op.f('fk_mark_drafts_item_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['person_id'], ['people.id'], name=op.f('fk_mark_drafts_person_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('item_id', 'person_id', name=op.f('pk_mark_drafts'))
    )
    op.create_table('appeal_referrals',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('appeal_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('person_id', sa.Integer(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('by', sa.String(length=40), nullable=False),
    sa.ForeignKeyConstraint(['appeal_id'], ['appeals.id'], name=op.f('fk_appeal_referrals_appeal_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['person_id'], ['people.id'], name=op.f('fk_appeal_referrals_person_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_appeal_referrals')),
    sa.UniqueConstraint('appeal_id', 'person_id', name='uq_appeal_referrals_appeal_id_person_id')
    )
    with op.batch_alter_table('appeal_referrals', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_appeal_referrals_person_id'), ['person_id'], unique=False)

    op.create_table('hand_marks',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('item_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('round', sa.Enum('first', 'second', 'moderation', name='markround', native_enum=False, create_constraint=True, length=30), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('points', sa.String(length=60), nullable=False),
    sa.Column('criteria', sa.Text(), nullable=False),
    sa.Column('comment', sa.Text(), nullable=False),
    sa.Column('marked_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('marked_by', sa.String(length=40), nullable=False),
    sa.Column('appeal_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.CheckConstraint('number >= 1', name=op.f('ck_hand_marks_number')),
    sa.ForeignKeyConstraint(['appeal_id'], ['appeals.id'], name=op.f('fk_hand_marks_appeal_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['item_id'], ['items.id'], name=op.f('fk_hand_marks_item_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_hand_marks')),
    sa.UniqueConstraint('item_id', 'round', 'number', name='uq_hand_marks_item_id_round_number')
    )
    with op.batch_alter_table('hand_marks', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_hand_marks_appeal_id'), ['appeal_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_hand_marks_marked_by'), ['marked_by'], unique=False)

    op.create_table('regrades',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('code', sa.String(length=20), nullable=False),
    sa.Column('question_version_id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.Enum('void', 'accept', 'full', 'as_written', name='regradekind', native_enum=False, create_constraint=True, length=30), nullable=False),
    sa.Column('accepts', sa.Text(), nullable=True),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('appeal_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('proposed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('proposed_by', sa.String(length=40), nullable=False),
    sa.Column('decided_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('decided_by', sa.String(length=40), nullable=True),
    sa.Column('is_approved', sa.Boolean(), nullable=True),
    sa.Column('note', sa.Text(), nullable=True),
    sa.Column('finished_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint('(decided_at is null) = (decided_by is null)', name=op.f('ck_regrades_decided_by')),
    sa.CheckConstraint('(decided_at is null) = (is_approved is null)', name=op.f('ck_regrades_decided')),
    sa.CheckConstraint('finished_at is null or is_approved', name=op.f('ck_regrades_finished')),
    sa.CheckConstraint('not coalesce(is_approved, false) or decided_by <> proposed_by', name=op.f('ck_regrades_two_persons')),
    sa.ForeignKeyConstraint(['appeal_id'], ['appeals.id'], name=op.f('fk_regrades_appeal_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['question_version_id'], ['question_versions.id'], name=op.f('fk_regrades_question_version_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_regrades')),
    sa.UniqueConstraint('code', name=op.f('uq_regrades_code'))
    )
    with op.batch_alter_table('regrades', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_regrades_appeal_id'), ['appeal_id'], unique=False)
        batch_op.create_index('ix_regrades_question_version_id', ['question_version_id', 'decided_at'], unique=False)
        batch_op.create_index('uq_regrades_undecided', ['question_version_id'], unique=True, sqlite_where=sa.text('decided_at is null'), postgresql_where=sa.text('decided_at is null'))

    op.create_table('regrade_falls',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('regrade_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('attempt_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('by', sa.String(length=40), nullable=False),
    sa.ForeignKeyConstraint(['attempt_id'], ['attempts.id'], name=op.f('fk_regrade_falls_attempt_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['regrade_id'], ['regrades.id'], name=op.f('fk_regrade_falls_regrade_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_regrade_falls')),
    sa.UniqueConstraint('regrade_id', 'attempt_id', name='uq_regrade_falls_regrade_id_attempt_id')
    )
    with op.batch_alter_table('regrade_falls', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_regrade_falls_attempt_id'), ['attempt_id'], unique=False)

    with op.batch_alter_table('markings', schema=None) as batch_op:
        batch_op.add_column(sa.Column('regrade_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True))
        batch_op.add_column(sa.Column('appeal_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True))
        batch_op.add_column(sa.Column('keeps_pass', sa.Boolean(), nullable=True))
        batch_op.create_index(batch_op.f('ix_markings_appeal_id'), ['appeal_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_markings_regrade_id'), ['regrade_id'], unique=False)
        batch_op.create_foreign_key(batch_op.f('fk_markings_appeal_id'), 'appeals', ['appeal_id'], ['id'], ondelete='RESTRICT')
        batch_op.create_foreign_key(batch_op.f('fk_markings_regrade_id'), 'regrades', ['regrade_id'], ['id'], ondelete='RESTRICT')
        batch_op.create_check_constraint(batch_op.f('ck_markings_keeps_pass'), 'keeps_pass is null or passed')

    with op.batch_alter_table('quiz_versions', schema=None) as batch_op:
        batch_op.add_column(sa.Column('second_marker', sa.String(length=30), nullable=True))
        batch_op.add_column(sa.Column('moderation_above', sa.String(length=60), nullable=True))
        batch_op.create_check_constraint(
            batch_op.f('ck_quiz_versions_secondmarker'), "second_marker IN ('none', 'borderline', 'all')"
        )


def downgrade() -> None:
    with op.batch_alter_table('quiz_versions', schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f('ck_quiz_versions_secondmarker'), type_='check')
        batch_op.drop_column('moderation_above')
        batch_op.drop_column('second_marker')

    with op.batch_alter_table('markings', schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f('ck_markings_keeps_pass'), type_='check')
        batch_op.drop_constraint(batch_op.f('fk_markings_regrade_id'), type_='foreignkey')
        batch_op.drop_constraint(batch_op.f('fk_markings_appeal_id'), type_='foreignkey')
        batch_op.drop_index(batch_op.f('ix_markings_regrade_id'))
        batch_op.drop_index(batch_op.f('ix_markings_appeal_id'))
        batch_op.drop_column('keeps_pass')
        batch_op.drop_column('appeal_id')
        batch_op.drop_column('regrade_id')

    with op.batch_alter_table('regrade_falls', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_regrade_falls_attempt_id'))

    op.drop_table('regrade_falls')
    with op.batch_alter_table('regrades', schema=None) as batch_op:
        batch_op.drop_index('uq_regrades_undecided', sqlite_where=sa.text('decided_at is null'), postgresql_where=sa.text('decided_at is null'))
        batch_op.drop_index('ix_regrades_question_version_id')
        batch_op.drop_index(batch_op.f('ix_regrades_appeal_id'))

    op.drop_table('regrades')
    with op.batch_alter_table('hand_marks', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_hand_marks_marked_by'))
        batch_op.drop_index(batch_op.f('ix_hand_marks_appeal_id'))

    op.drop_table('hand_marks')
    with op.batch_alter_table('appeal_referrals', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_appeal_referrals_person_id'))

    op.drop_table('appeal_referrals')
    op.drop_table('mark_drafts')
    with op.batch_alter_table('appeals', schema=None) as batch_op:
        batch_op.drop_index('uq_appeals_open', sqlite_where=sa.text('answered_at is null'), postgresql_where=sa.text('answered_at is null'))
        batch_op.drop_index(batch_op.f('ix_appeals_item_id'))

    op.drop_table('appeals')
    with op.batch_alter_table('answers_to_mark', schema=None) as batch_op:
        batch_op.drop_index('ix_answers_to_mark_round')

    op.drop_table('answers_to_mark')