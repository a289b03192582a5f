"""Declines of the statement of what the work can bring.

Revision ID: 0124
Revises: 0085
"""

from alembic import op
import sqlalchemy as sa


revision = '0124'
down_revision = '0085'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('exposure_declines',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('person_id', sa.Integer(), nullable=False),
    sa.Column('version_id', sa.Integer(), nullable=False),
    sa.Column('declined_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('taken_back_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['person_id'], ['people.id'], name=op.f('fk_exposure_declines_person_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['version_id'], ['document_versions.id'], name=op.f('fk_exposure_declines_version_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_exposure_declines'))
    )
    with op.batch_alter_table('exposure_declines', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_exposure_declines_person_id'), ['person_id'], unique=False)
        batch_op.create_index('uq_exposure_declines_open', ['person_id'], unique=True, sqlite_where=sa.text('taken_back_at is null'), postgresql_where=sa.text('taken_back_at is null'))


def downgrade() -> None:
    with op.batch_alter_table('exposure_declines', schema=None) as batch_op:
        batch_op.drop_index('uq_exposure_declines_open', sqlite_where=sa.text('taken_back_at is null'), postgresql_where=sa.text('taken_back_at is null'))
        batch_op.drop_index(batch_op.f('ix_exposure_declines_person_id'))

    op.drop_table('exposure_declines')
