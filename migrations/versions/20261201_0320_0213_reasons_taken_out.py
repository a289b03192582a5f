"""Reasons of refusals and of accepted orphans that two people took out: who asked why, who confirmed, and when.

Revision ID: 0213
Revises: 0212
"""

from alembic import op
import sqlalchemy as sa


revision = '0213'
down_revision = '0212'
branch_labels = None
depends_on = None

_REASON = "decision = 'accepted' or reason <> ''"


def upgrade() -> None:
    for table in ('handover_decisions', 'orphan_acceptances'):
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.add_column(sa.Column('removal_asked_at', sa.DateTime(timezone=True), nullable=True))
            batch_op.add_column(sa.Column('removal_asked_by', sa.String(length=40), nullable=True))
            batch_op.add_column(sa.Column('removal_reason', sa.Text(), nullable=True))
            batch_op.add_column(sa.Column('removed_at', sa.DateTime(timezone=True), nullable=True))
            batch_op.add_column(sa.Column('removed_by', sa.String(length=40), nullable=True))
            batch_op.create_check_constraint('removed_by_two', 'removed_by is null or removed_by <> removal_asked_by')
    with op.batch_alter_table('handover_decisions', schema=None) as batch_op:
        batch_op.drop_constraint('reason', type_='check')
        batch_op.create_check_constraint('reason', f'{_REASON} or removed_at is not null')


def downgrade() -> None:
    # What was taken out does not come back: a dash stands for a reason, which there has to be.
    op.execute("UPDATE handover_decisions SET reason = '–' WHERE decision <> 'accepted' AND reason = ''")
    with op.batch_alter_table('handover_decisions', schema=None) as batch_op:
        batch_op.drop_constraint('reason', type_='check')
        batch_op.create_check_constraint('reason', _REASON)
    for table in ('orphan_acceptances', 'handover_decisions'):
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.drop_constraint('removed_by_two', type_='check')
            for column in ('removed_by', 'removed_at', 'removal_reason', 'removal_asked_by', 'removal_asked_at'):
                batch_op.drop_column(column)
