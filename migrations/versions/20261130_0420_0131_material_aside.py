"""Material of a level that a wellbeing contact sets aside for a person, and that she has spoken with who declines.

Revision ID: 0131
Revises: 0130
"""

from alembic import op
import sqlalchemy as sa


revision = '0131'
down_revision = '0130'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('material_aside',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('person_id', sa.Integer(), nullable=False),
    sa.Column('level', sa.String(length=2), nullable=False),
    sa.Column('until_on', sa.Date(), nullable=True),
    sa.Column('ends_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('set_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('set_by_id', sa.Integer(), nullable=False),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('ended_by_id', sa.Integer(), nullable=True),
    sa.CheckConstraint("level in ('S1', 'S2', 'S3', 'S4')", name=op.f('ck_material_aside_level')),
    sa.CheckConstraint('(until_on is null) = (ends_at is null)', name=op.f('ck_material_aside_until')),
    sa.CheckConstraint('(ended_at is null) = (ended_by_id is null)', name=op.f('ck_material_aside_ended')),
    sa.ForeignKeyConstraint(['person_id'], ['people.id'], name=op.f('fk_material_aside_person_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['set_by_id'], ['people.id'], name=op.f('fk_material_aside_set_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['ended_by_id'], ['people.id'], name=op.f('fk_material_aside_ended_by_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_material_aside'))
    )
    op.create_index(op.f('ix_material_aside_person_id'), 'material_aside', ['person_id'], unique=False)
    op.create_index('uq_material_aside_open', 'material_aside', ['person_id'], unique=True, sqlite_where=sa.text('ended_at is null'), postgresql_where=sa.text('ended_at is null'))
    with op.batch_alter_table('exposure_declines', schema=None) as batch_op:
        batch_op.add_column(sa.Column('spoken_at', sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column('spoken_by_id', sa.Integer(), nullable=True))
        batch_op.create_foreign_key(batch_op.f('fk_exposure_declines_spoken_by_id'), 'people', ['spoken_by_id'], ['id'], ondelete='RESTRICT')


def downgrade() -> None:
    with op.batch_alter_table('exposure_declines', schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f('fk_exposure_declines_spoken_by_id'), type_='foreignkey')
        batch_op.drop_column('spoken_by_id')
        batch_op.drop_column('spoken_at')
    op.drop_table('material_aside')
