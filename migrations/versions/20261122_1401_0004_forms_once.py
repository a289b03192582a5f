"""forms that are carried out once.

Revision ID: 0004
Revises: 0003
"""

from alembic import op
import sqlalchemy as sa


revision = '0004'
down_revision = '0003'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('forms_carried_out',
    sa.Column('key', sa.String(length=64), nullable=False),
    sa.Column('said', sa.String(length=64), nullable=False),
    sa.Column('location', sa.String(length=500), nullable=False),
    sa.Column('message', sa.Text(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('key', name=op.f('pk_forms_carried_out'))
    )
    op.create_index(op.f('ix_forms_carried_out_at'), 'forms_carried_out', ['at'], unique=False)


def downgrade() -> None:
    op.drop_index(op.f('ix_forms_carried_out_at'), table_name='forms_carried_out')
    op.drop_table('forms_carried_out')
