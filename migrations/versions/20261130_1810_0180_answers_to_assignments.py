"""To which assignment a successor's answer belongs, and when what moved for leave came back.

Revision ID: 0180
Revises: 0171
"""

from alembic import op
import sqlalchemy as sa


revision = '0180'
down_revision = '0171'
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table('handovers', schema=None) as batch_op:
        batch_op.add_column(sa.Column('handed_back_at', sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column('handed_back_by', sa.String(length=40), nullable=True))
        batch_op.create_check_constraint('handed_back_by', '(handed_back_at is null) = (handed_back_by is null)')
        batch_op.create_check_constraint('handed_back_after_close', 'handed_back_at is null or closed_at is not null')
    # No item has been decided on yet, so that no answer lacks its assignment.
    with op.batch_alter_table('handover_decisions', schema=None) as batch_op:
        batch_op.add_column(sa.Column('assignment_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False))
        batch_op.create_foreign_key(op.f('fk_handover_decisions_assignment_id'), 'handover_successors', ['assignment_id'], ['id'], ondelete='RESTRICT')
        batch_op.create_index(batch_op.f('ix_handover_decisions_assignment_id'), ['assignment_id'], unique=False)


def downgrade() -> None:
    with op.batch_alter_table('handover_decisions', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_handover_decisions_assignment_id'))
        batch_op.drop_constraint(op.f('fk_handover_decisions_assignment_id'), type_='foreignkey')
        batch_op.drop_column('assignment_id')
    with op.batch_alter_table('handovers', schema=None) as batch_op:
        batch_op.drop_constraint('handed_back_after_close', type_='check')
        batch_op.drop_constraint('handed_back_by', type_='check')
        batch_op.drop_column('handed_back_by')
        batch_op.drop_column('handed_back_at')
