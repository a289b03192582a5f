"""Questions looked at beforehand.

Revision ID: 0018
Revises: 0017
"""

from alembic import op
import sqlalchemy as sa


revision = '0018'
down_revision = '0017'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('question_looks',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('draft_id', sa.Integer(), nullable=False),
    sa.Column('question_version_id', sa.Integer(), nullable=False),
    sa.Column('anchor', sa.String(length=60), nullable=False),
    sa.Column('clause_hash', sa.String(length=64), nullable=False),
    sa.Column('verdict', sa.Enum('still_right', 'rewrite', name='verdict', native_enum=False, create_constraint=True, length=30), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('by', sa.String(length=40), nullable=False),
    sa.ForeignKeyConstraint(['draft_id'], ['drafts.id'], name=op.f('fk_question_looks_draft_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['question_version_id'], ['question_versions.id'], name=op.f('fk_question_looks_question_version_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_question_looks'))
    )
    with op.batch_alter_table('question_looks', schema=None) as batch_op:
        batch_op.create_index('ix_question_looks_draft_id', ['draft_id', 'question_version_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_question_looks_question_version_id'), ['question_version_id'], unique=False)


def downgrade() -> None:
    with op.batch_alter_table('question_looks', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_question_looks_question_version_id'))
        batch_op.drop_index('ix_question_looks_draft_id')

    op.drop_table('question_looks')
