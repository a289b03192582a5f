"""look-ups counted for all processes.

Revision ID: 0005
Revises: 0004
"""

from alembic import op
import sqlalchemy as sa


revision = '0005'
down_revision = '0004'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('certificate_lookup_levels',
    sa.Column('key', sa.String(length=64), nullable=False),
    sa.Column('left', sa.Integer(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('key', name=op.f('pk_certificate_lookup_levels'))
    )
    op.create_index(op.f('ix_certificate_lookup_levels_at'), 'certificate_lookup_levels', ['at'], unique=False)


def downgrade() -> None:
    op.drop_index(op.f('ix_certificate_lookup_levels_at'), table_name='certificate_lookup_levels')
    op.drop_table('certificate_lookup_levels')
