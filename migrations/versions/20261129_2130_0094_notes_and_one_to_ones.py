"""Notes on learners with what became of them, when their learner read them, and one-to-one talks.

Revision ID: 0094
Revises: 0075
"""

from alembic import op
import sqlalchemy as sa


revision = '0094'
down_revision = '0075'
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')


def upgrade() -> None:
    op.create_table('one_to_ones',
    sa.Column('id', _BIG, nullable=False),
    sa.Column('enrollment_id', sa.Integer(), nullable=False),
    sa.Column('held_on', sa.Date(), nullable=False),
    sa.Column('by_id', sa.Integer(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['by_id'], ['people.id'], name=op.f('fk_one_to_ones_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['enrollment_id'], ['enrollments.id'], name=op.f('fk_one_to_ones_enrollment_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_one_to_ones')),
    sa.UniqueConstraint('enrollment_id', 'held_on', 'by_id', name=op.f('uq_one_to_ones_enrollment_id_held_on_by_id'))
    )
    op.create_table('learner_notes',
    sa.Column('id', _BIG, nullable=False),
    sa.Column('code', sa.String(length=20), nullable=False),
    sa.Column('enrollment_id', sa.Integer(), nullable=False),
    sa.Column('text', sa.Text(), nullable=False),
    sa.Column('is_shown', sa.Boolean(), nullable=False),
    sa.Column('corrects_id', _BIG, nullable=True),
    sa.Column('one_to_one_id', _BIG, nullable=True),
    sa.Column('by_id', sa.Integer(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("text <> ''", name=op.f('ck_learner_notes_text')),
    sa.CheckConstraint('corrects_id is null or corrects_id < id', name=op.f('ck_learner_notes_corrects')),
    sa.ForeignKeyConstraint(['by_id'], ['people.id'], name=op.f('fk_learner_notes_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['corrects_id'], ['learner_notes.id'], name=op.f('fk_learner_notes_corrects_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['enrollment_id'], ['enrollments.id'], name=op.f('fk_learner_notes_enrollment_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['one_to_one_id'], ['one_to_ones.id'], name=op.f('fk_learner_notes_one_to_one_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_learner_notes')),
    sa.UniqueConstraint('code', name=op.f('uq_learner_notes_code')),
    sa.UniqueConstraint('corrects_id', name=op.f('uq_learner_notes_corrects_id'))
    )
    with op.batch_alter_table('learner_notes', schema=None) as batch_op:
        batch_op.create_index('ix_learner_notes_enrollment', ['enrollment_id', 'id'], unique=False)
        batch_op.create_index(batch_op.f('ix_learner_notes_one_to_one_id'), ['one_to_one_id'], unique=False)
    op.create_table('note_steps',
    sa.Column('id', _BIG, nullable=False),
    sa.Column('note_id', _BIG, nullable=False),
    sa.Column('act', sa.Enum('shown', 'taken_back', name='noteact', native_enum=False, create_constraint=True, length=30), nullable=False),
    sa.Column('by_id', sa.Integer(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['by_id'], ['people.id'], name=op.f('fk_note_steps_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['note_id'], ['learner_notes.id'], name=op.f('fk_note_steps_note_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_note_steps')),
    sa.UniqueConstraint('note_id', 'act', name=op.f('uq_note_steps_note_id_act'))
    )
    op.create_table('note_readings',
    sa.Column('enrollment_id', sa.Integer(), nullable=False),
    sa.Column('read_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['enrollment_id'], ['enrollments.id'], name=op.f('fk_note_readings_enrollment_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('enrollment_id', name=op.f('pk_note_readings'))
    )


def downgrade() -> None:
    op.drop_table('note_readings')
    op.drop_table('note_steps')
    with op.batch_alter_table('learner_notes', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_learner_notes_one_to_one_id'))
        batch_op.drop_index('ix_learner_notes_enrollment')
    op.drop_table('learner_notes')
    op.drop_table('one_to_ones')
