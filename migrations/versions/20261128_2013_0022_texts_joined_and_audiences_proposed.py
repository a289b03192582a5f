"""Texts of drafts that became one, and audiences that drafts propose.

Revision ID: 0022
Revises: 0019
"""

from alembic import op
import sqlalchemy as sa


revision = '0022'
down_revision = '0019'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('draft_kept',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('code', sa.String(length=20), nullable=False),
    sa.Column('draft_id', sa.Integer(), nullable=False),
    sa.Column('language', sa.String(length=2), nullable=False),
    sa.Column('because', sa.Enum('joined', 'decided', 'follows_base', name='keptbecause', native_enum=False, create_constraint=True, length=30), nullable=False),
    sa.Column('revision', sa.Integer(), nullable=False),
    sa.Column('written_by', sa.String(length=40), nullable=False),
    sa.Column('values', sa.Text(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("language in ('en', 'ja')", name=op.f('ck_draft_kept_language')),
    sa.ForeignKeyConstraint(['draft_id'], ['drafts.id'], name=op.f('fk_draft_kept_draft_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_draft_kept')),
    sa.UniqueConstraint('code', name=op.f('uq_draft_kept_code'))
    )
    with op.batch_alter_table('draft_kept', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_draft_kept_draft_id'), ['draft_id'], unique=False)

    with op.batch_alter_table('draft_asides', schema=None) as batch_op:
        batch_op.add_column(sa.Column('base', sa.Text(), nullable=True))

    with op.batch_alter_table('drafts', schema=None) as batch_op:
        batch_op.add_column(sa.Column('audience', sa.Text(), nullable=True))



def downgrade() -> None:
    with op.batch_alter_table('drafts', schema=None) as batch_op:
        batch_op.drop_column('audience')

    with op.batch_alter_table('draft_asides', schema=None) as batch_op:
        batch_op.drop_column('base')

    with op.batch_alter_table('draft_kept', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_draft_kept_draft_id'))

    op.drop_table('draft_kept')
