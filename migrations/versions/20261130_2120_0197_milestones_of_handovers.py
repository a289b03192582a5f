"""What of the way of a handover somebody said was done: the plan agreed, the items looked through.

Revision ID: 0197
Revises: 0196
"""

from alembic import op
import sqlalchemy as sa


revision = '0197'
down_revision = '0196'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('handover_milestones',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('handover_id', sa.Integer(), nullable=False),
    sa.Column('milestone', sa.Enum('plan', 'inventory', 'cards', 'sign_off', name='milestone', native_enum=False, create_constraint=True, length=30), nullable=False),
    sa.Column('met_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('met_by_id', sa.Integer(), nullable=False),
    sa.CheckConstraint("milestone in ('plan', 'inventory')", name=op.f('ck_handover_milestones_said')),
    sa.ForeignKeyConstraint(['handover_id'], ['handovers.id'], name=op.f('fk_handover_milestones_handover_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['met_by_id'], ['people.id'], name=op.f('fk_handover_milestones_met_by_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_handover_milestones')),
    sa.UniqueConstraint('handover_id', 'milestone', name=op.f('uq_handover_milestones_handover_id_milestone'))
    )


def downgrade() -> None:
    op.drop_table('handover_milestones')
