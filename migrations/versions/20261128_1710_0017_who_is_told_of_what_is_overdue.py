"""Who is told of what is overdue.

Revision ID: 0017
Revises: 0016
"""

from alembic import op
import sqlalchemy as sa


revision = '0017'
down_revision = '0016'
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table('acknowledgement_requests', schema=None) as batch_op:
        batch_op.add_column(sa.Column('escalate_at', sa.DateTime(timezone=True), nullable=True))
        batch_op.create_index('ix_acknowledgement_requests_escalate_at', ['escalate_at'], unique=False)
        batch_op.create_check_constraint(batch_op.f('ck_acknowledgement_requests_escalation'), 'escalate_at is null or closed_at is null')
    # What is asked already is told once, too.
    op.execute('UPDATE acknowledgement_requests SET escalate_at = due_at WHERE closed_at IS NULL')


def downgrade() -> None:
    with op.batch_alter_table('acknowledgement_requests', schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f('ck_acknowledgement_requests_escalation'), type_='check')
        batch_op.drop_index('ix_acknowledgement_requests_escalate_at')
        batch_op.drop_column('escalate_at')
