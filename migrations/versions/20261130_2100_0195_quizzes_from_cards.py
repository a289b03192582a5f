"""Tries of successors at short quizzes from the cards, each question as it was drawn.

Revision ID: 0195
Revises: 0180
"""

from alembic import op
import sqlalchemy as sa


revision = '0195'
down_revision = '0180'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('handover_quiz_tries',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('code', sa.String(length=20), nullable=False),
    sa.Column('handover_id', sa.Integer(), nullable=False),
    sa.Column('item_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('successor_id', sa.Integer(), nullable=False),
    sa.Column('begun_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('handed_in_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['handover_id'], ['handovers.id'], name=op.f('fk_handover_quiz_tries_handover_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['item_id'], ['handover_items.id'], name=op.f('fk_handover_quiz_tries_item_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['successor_id'], ['people.id'], name=op.f('fk_handover_quiz_tries_successor_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_handover_quiz_tries')),
    sa.UniqueConstraint('code', name=op.f('uq_handover_quiz_tries_code'))
    )
    with op.batch_alter_table('handover_quiz_tries', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_handover_quiz_tries_handover_id'), ['handover_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_handover_quiz_tries_item_id'), ['item_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_handover_quiz_tries_successor_id'), ['successor_id'], unique=False)
    op.create_table('handover_quiz_questions',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('try_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('place', sa.Integer(), nullable=False),
    sa.Column('item_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('card_version_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('order', sa.Text(), nullable=False),
    sa.Column('chosen', sa.Integer(), nullable=True),
    sa.CheckConstraint('place >= 1', name=op.f('ck_handover_quiz_questions_place')),
    sa.CheckConstraint('number >= 1', name=op.f('ck_handover_quiz_questions_number')),
    sa.CheckConstraint('chosen is null or chosen >= 0', name=op.f('ck_handover_quiz_questions_chosen')),
    sa.ForeignKeyConstraint(['card_version_id'], ['card_versions.id'], name=op.f('fk_handover_quiz_questions_card_version_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['item_id'], ['handover_items.id'], name=op.f('fk_handover_quiz_questions_item_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['try_id'], ['handover_quiz_tries.id'], name=op.f('fk_handover_quiz_questions_try_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_handover_quiz_questions')),
    sa.UniqueConstraint('try_id', 'place', name=op.f('uq_handover_quiz_questions_try_id_place'))
    )
    with op.batch_alter_table('handover_quiz_questions', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_handover_quiz_questions_card_version_id'), ['card_version_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_handover_quiz_questions_item_id'), ['item_id'], unique=False)


def downgrade() -> None:
    op.drop_table('handover_quiz_questions')
    op.drop_table('handover_quiz_tries')
