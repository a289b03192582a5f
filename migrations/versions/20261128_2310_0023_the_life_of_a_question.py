"""The life of a question: its steps, wordings proposed beside the one that counts, languages that are behind.

Revision ID: 0023
Revises: 0025
"""

from alembic import op
import sqlalchemy as sa


revision = '0023'
down_revision = '0025'
branch_labels = None
depends_on = None

STATES = ('draft', 'in_review', 'pilot', 'live', 'stale', 'quarantined', 'retired')


def upgrade() -> None:
    op.create_table('question_steps',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('question_id', sa.Integer(), nullable=False),
    sa.Column('question_version_id', sa.Integer(), nullable=False),
    sa.Column('of_proposal', sa.Boolean(), nullable=False),
    sa.Column('before', sa.String(length=30), nullable=False),
    sa.Column('after', sa.Enum(*STATES, name='questionstate', native_enum=False, create_constraint=True, length=30), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('by', sa.String(length=40), nullable=True),
    sa.ForeignKeyConstraint(['question_id'], ['questions.id'], name=op.f('fk_question_steps_question_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['question_version_id'], ['question_versions.id'], name=op.f('fk_question_steps_question_version_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_question_steps'))
    )
    with op.batch_alter_table('question_steps', schema=None) as batch_op:
        batch_op.create_index('ix_question_steps_question_id', ['question_id', 'id'], unique=False)

    with op.batch_alter_table('question_banks', schema=None) as batch_op:
        batch_op.add_column(sa.Column('revision', sa.Integer(), nullable=False, server_default='0'))
    with op.batch_alter_table('question_banks', schema=None) as batch_op:
        batch_op.alter_column('revision', server_default=None)

    with op.batch_alter_table('question_versions', schema=None) as batch_op:
        batch_op.add_column(sa.Column('behind', sa.String(length=2), nullable=True))

    with op.batch_alter_table('questions', schema=None) as batch_op:
        batch_op.add_column(sa.Column('proposed', sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column('submitted_at', sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column('revision', sa.Integer(), nullable=False, server_default='0'))
        batch_op.drop_constraint(batch_op.f('ck_questions_questionstate'), type_='check')
        batch_op.create_check_constraint(
            batch_op.f('ck_questions_questionstate'), f"state IN ({', '.join(repr(each) for each in STATES)})"
        )
        batch_op.create_check_constraint(batch_op.f('ck_questions_submitted'), 'submitted_at is null or proposed is not null')
    with op.batch_alter_table('questions', schema=None) as batch_op:
        batch_op.alter_column('revision', server_default=None)


def downgrade() -> None:
    # What a state before does not know is not drawn: a draft.
    op.execute("UPDATE questions SET state = 'draft' WHERE state IN ('in_review', 'quarantined')")
    with op.batch_alter_table('questions', schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f('ck_questions_submitted'), type_='check')
        batch_op.drop_constraint(batch_op.f('ck_questions_questionstate'), type_='check')
        batch_op.create_check_constraint(
            batch_op.f('ck_questions_questionstate'), "state IN ('draft', 'pilot', 'live', 'stale', 'retired')"
        )
        batch_op.drop_column('revision')
        batch_op.drop_column('submitted_at')
        batch_op.drop_column('proposed')

    with op.batch_alter_table('question_versions', schema=None) as batch_op:
        batch_op.drop_column('behind')

    with op.batch_alter_table('question_banks', schema=None) as batch_op:
        batch_op.drop_column('revision')

    with op.batch_alter_table('question_steps', schema=None) as batch_op:
        batch_op.drop_index('ix_question_steps_question_id')

    op.drop_table('question_steps')
