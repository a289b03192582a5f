"""What results point out about questions, and how far they were looked at.

Revision ID: 0032
Revises: 0030
"""

from alembic import op
import sqlalchemy as sa


revision = '0032'
down_revision = '0030'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('results_watches',
    sa.Column('quiz_id', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('marking_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('looked_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['quiz_id'], ['quizzes.id'], name=op.f('fk_results_watches_quiz_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('quiz_id', name=op.f('pk_results_watches'))
    )
    op.create_table('question_flags',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('code', sa.String(length=20), nullable=False),
    sa.Column('question_id', sa.Integer(), nullable=False),
    sa.Column('question_version_id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.Enum('negative_discrimination', 'language_gap', 'overexposed', name='flagkind', native_enum=False, create_constraint=True, length=30), nullable=False),
    sa.Column('quiz_id', sa.Integer(), nullable=True),
    sa.Column('n', sa.Integer(), nullable=False),
    sa.Column('figures', sa.Text(), nullable=False),
    sa.Column('wording', sa.String(length=64), nullable=False),
    sa.Column('raised_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('closed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('closed_by', sa.String(length=40), nullable=True),
    sa.Column('note', sa.Text(), nullable=True),
    sa.CheckConstraint("(quiz_id is null) = (kind = 'overexposed')", name=op.f('ck_question_flags_quiz')),
    sa.CheckConstraint('(closed_at is null) = (closed_by is null)', name=op.f('ck_question_flags_closed')),
    sa.CheckConstraint('(closed_at is null) = (note is null)', name=op.f('ck_question_flags_note')),
    sa.CheckConstraint('n >= 0', name=op.f('ck_question_flags_n')),
    sa.ForeignKeyConstraint(['question_id'], ['questions.id'], name=op.f('fk_question_flags_question_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['question_version_id'], ['question_versions.id'], name=op.f('fk_question_flags_question_version_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['quiz_id'], ['quizzes.id'], name=op.f('fk_question_flags_quiz_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_question_flags')),
    sa.UniqueConstraint('code', name=op.f('uq_question_flags_code'))
    )
    with op.batch_alter_table('question_flags', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_question_flags_question_id'), ['question_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_question_flags_question_version_id'), ['question_version_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_question_flags_quiz_id'), ['quiz_id'], unique=False)
        batch_op.create_index('uq_question_flags_open', ['question_id', 'kind'], unique=True, sqlite_where=sa.text('closed_at is null'), postgresql_where=sa.text('closed_at is null'))



def downgrade() -> None:
    with op.batch_alter_table('question_flags', schema=None) as batch_op:
        batch_op.drop_index('uq_question_flags_open', sqlite_where=sa.text('closed_at is null'), postgresql_where=sa.text('closed_at is null'))
        batch_op.drop_index(batch_op.f('ix_question_flags_quiz_id'))
        batch_op.drop_index(batch_op.f('ix_question_flags_question_version_id'))
        batch_op.drop_index(batch_op.f('ix_question_flags_question_id'))

    op.drop_table('question_flags')
    op.drop_table('results_watches')
