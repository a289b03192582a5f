"""The rule by which learners are at risk, as it was set from one moment to another.

Revision ID: 0069
Revises: 0066
"""

from alembic import op
import sqlalchemy as sa


revision = '0069'
down_revision = '0066'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('at_risk_rules',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('overdue_steps', sa.Integer(), nullable=True),
    sa.Column('failed_tries', sa.Integer(), nullable=True),
    sa.Column('idle_days', sa.Integer(), nullable=True),
    sa.Column('by_id', sa.Integer(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint('coalesce(overdue_steps, 1) >= 1 and coalesce(failed_tries, 1) >= 1 and coalesce(idle_days, 1) >= 1', name=op.f('ck_at_risk_rules_from_one')),
    sa.CheckConstraint('coalesce(overdue_steps, failed_tries, idle_days) is not null', name=op.f('ck_at_risk_rules_any_reason')),
    sa.ForeignKeyConstraint(['by_id'], ['people.id'], name=op.f('fk_at_risk_rules_by_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_at_risk_rules'))
    )


def downgrade() -> None:
    op.drop_table('at_risk_rules')
