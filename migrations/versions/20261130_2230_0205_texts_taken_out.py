"""Texts of evidence and stand-ins that two people took out: who asked why, who confirmed, and when.

Revision ID: 0205
Revises: 0211
"""

from alembic import op
import sqlalchemy as sa


revision = '0205'
down_revision = '0211'
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ('handover_evidence', 'stand_ins'):
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.add_column(sa.Column('removal_asked_at', sa.DateTime(timezone=True), nullable=True))
            batch_op.add_column(sa.Column('removal_asked_by', sa.String(length=40), nullable=True))
            batch_op.add_column(sa.Column('removal_reason', sa.Text(), nullable=True))
            batch_op.add_column(sa.Column('removed_at', sa.DateTime(timezone=True), nullable=True))
            batch_op.add_column(sa.Column('removed_by', sa.String(length=40), nullable=True))
            batch_op.create_check_constraint('removed_by_two', 'removed_by is null or removed_by <> removal_asked_by')


def downgrade() -> None:
    for table in ('stand_ins', 'handover_evidence'):
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.drop_constraint('removed_by_two', type_='check')
            for column in ('removed_by', 'removed_at', 'removal_reason', 'removal_asked_by', 'removal_asked_at'):
                batch_op.drop_column(column)
