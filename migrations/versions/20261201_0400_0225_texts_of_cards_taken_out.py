"""Texts of cards that two people take out, and what dossiers said of them while that waits.

Revision ID: 0225
Revises: 0213
"""

from alembic import op
import sqlalchemy as sa


revision = '0225'
down_revision = '0213'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        'card_removals',
        sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
        sa.Column('code', sa.String(length=20), nullable=False),
        sa.Column('card_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
        sa.Column('part', sa.String(length=20), nullable=False),
        sa.Column('numbers', sa.Text(), nullable=False),
        sa.Column('held', sa.Text(), nullable=True),
        sa.Column('reason', sa.Text(), nullable=False),
        sa.Column('asked_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('asked_by_id', sa.Integer(), nullable=False),
        sa.Column('confirmed_at', sa.DateTime(timezone=True), nullable=True),
        sa.Column('confirmed_by_id', sa.Integer(), nullable=True),
        sa.Column('dropped_at', sa.DateTime(timezone=True), nullable=True),
        sa.Column('dropped_by_id', sa.Integer(), nullable=True),
        sa.CheckConstraint('(confirmed_at is null) = (confirmed_by_id is null)', name=op.f('ck_card_removals_confirmed_by')),
        sa.CheckConstraint('(dropped_at is null) = (dropped_by_id is null)', name=op.f('ck_card_removals_dropped_by')),
        sa.CheckConstraint('confirmed_at is null or dropped_at is null', name=op.f('ck_card_removals_one_end')),
        sa.CheckConstraint('confirmed_by_id is null or confirmed_by_id <> asked_by_id', name=op.f('ck_card_removals_by_two')),
        sa.ForeignKeyConstraint(['card_id'], ['cards.id'], name=op.f('fk_card_removals_card_id_cards'), ondelete='RESTRICT'),
        sa.ForeignKeyConstraint(['asked_by_id'], ['people.id'], name=op.f('fk_card_removals_asked_by_id_people'), ondelete='RESTRICT'),
        sa.ForeignKeyConstraint(['confirmed_by_id'], ['people.id'], name=op.f('fk_card_removals_confirmed_by_id_people'), ondelete='RESTRICT'),
        sa.ForeignKeyConstraint(['dropped_by_id'], ['people.id'], name=op.f('fk_card_removals_dropped_by_id_people'), ondelete='RESTRICT'),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_card_removals')),
        sa.UniqueConstraint('code', name=op.f('uq_card_removals_code')),
    )
    is_open = sa.column('confirmed_at').is_(None) & sa.column('dropped_at').is_(None)
    with op.batch_alter_table('card_removals', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_card_removals_asked_by_id'), ['asked_by_id'], unique=False)
        batch_op.create_index(
            'uq_card_removals_open', ['card_id', 'part'], unique=True, sqlite_where=is_open, postgresql_where=is_open
        )
    op.create_table(
        'handover_dossier_texts_held',
        sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
        sa.Column('removal_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
        sa.Column('clause_text_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
        sa.Column('held', sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(['removal_id'], ['card_removals.id'], name=op.f('fk_handover_dossier_texts_held_removal_id_card_removals'), ondelete='RESTRICT'),
        sa.ForeignKeyConstraint(['clause_text_id'], ['clause_texts.id'], name=op.f('fk_handover_dossier_texts_held_clause_text_id_clause_texts'), ondelete='RESTRICT'),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_handover_dossier_texts_held')),
        sa.UniqueConstraint('removal_id', 'clause_text_id', name=op.f('uq_handover_dossier_texts_held_removal_id_clause_text_id')),
    )
    with op.batch_alter_table('handover_dossier_texts_held', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_handover_dossier_texts_held_clause_text_id'), ['clause_text_id'], unique=False)
    for table in ('version_texts', 'clause_texts'):
        op.add_column(table, sa.Column('taken_out_at', sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    for table in ('clause_texts', 'version_texts'):
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.drop_column('taken_out_at')
    op.drop_table('handover_dossier_texts_held')
    op.drop_table('card_removals')
