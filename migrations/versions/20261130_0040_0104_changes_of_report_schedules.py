"""Weekly reports can be changed: their language, how often they were, and whom their owner took off.

Revision ID: 0104
Revises: 0102
"""

from alembic import op
import sqlalchemy as sa


revision = '0104'
down_revision = '0102'
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table('report_schedules', schema=None) as batch_op:
        batch_op.add_column(sa.Column('language', sa.String(length=2), nullable=True))
        batch_op.add_column(sa.Column('revision', sa.Integer(), server_default='0', nullable=False))
        batch_op.create_check_constraint(batch_op.f('ck_report_schedules_language'), "language in ('en', 'ja')")
    with op.batch_alter_table('report_schedules', schema=None) as batch_op:
        batch_op.alter_column('revision', server_default=None)
    with op.batch_alter_table('report_recipients', schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f('ck_report_recipients_recipientend'), type_='check')
        batch_op.create_check_constraint(
            batch_op.f('ck_report_recipients_recipientend'), "end_reason in ('unsubscribed', 'removed', 'not_allowed')"
        )


def downgrade() -> None:
    # Who was taken off got it no longer, like somebody who took herself off.
    op.execute("update report_recipients set end_reason = 'unsubscribed' where end_reason = 'removed'")
    with op.batch_alter_table('report_recipients', schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f('ck_report_recipients_recipientend'), type_='check')
        batch_op.create_check_constraint(
            batch_op.f('ck_report_recipients_recipientend'), "end_reason in ('unsubscribed', 'not_allowed')"
        )
    with op.batch_alter_table('report_schedules', schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f('ck_report_schedules_language'), type_='check')
        batch_op.drop_column('revision')
        batch_op.drop_column('language')
