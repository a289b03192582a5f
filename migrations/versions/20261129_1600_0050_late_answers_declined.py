"""A late answer can be declined for a reason.

Revision ID: 0050
Revises: 0043
"""

from alembic import op
import sqlalchemy as sa


revision = '0050'
down_revision = '0043'
branch_labels = None
depends_on = None

KINDS = (
    "'started', 'saved', 'focus_lost', 'focus_regained', 'offline', 'online', 'second_tab', 'refused', 'extended', "
    "'accommodated', 'break_begun', 'break_ended', 'moved_on', 'accepted'"
)
STEPS = "'submitted', 'marked', 'released', 'voided'"


def upgrade() -> None:
    with op.batch_alter_table('refused_answers', schema=None) as batch_op:
        batch_op.add_column(sa.Column('declined_at', sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column('declined_by', sa.String(length=40), nullable=True))
        batch_op.drop_constraint(batch_op.f('ck_refused_answers_reason'), type_='check')
        batch_op.create_check_constraint(
            batch_op.f('ck_refused_answers_declined_by'), '(declined_at is null) = (declined_by is null)'
        )
        batch_op.create_check_constraint(
            batch_op.f('ck_refused_answers_decided_once'), 'accepted_at is null or declined_at is null'
        )
        batch_op.create_check_constraint(
            batch_op.f('ck_refused_answers_reason'),
            '(accepted_at is null and declined_at is null) = (reason is null)',
        )
    _kinds(f"{KINDS}, 'declined', {STEPS}")


def _kinds(kinds: str) -> None:
    with op.batch_alter_table('attempt_events', schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f('ck_attempt_events_eventkind'), type_='check')
        batch_op.create_check_constraint(batch_op.f('ck_attempt_events_eventkind'), f'kind IN ({kinds})')


def downgrade() -> None:
    _kinds(f'{KINDS}, {STEPS}')
    with op.batch_alter_table('refused_answers', schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f('ck_refused_answers_reason'), type_='check')
        batch_op.drop_constraint(batch_op.f('ck_refused_answers_decided_once'), type_='check')
        batch_op.drop_constraint(batch_op.f('ck_refused_answers_declined_by'), type_='check')
        batch_op.create_check_constraint(
            batch_op.f('ck_refused_answers_reason'), '(accepted_at is null) = (reason is null)'
        )
        batch_op.drop_column('declined_by')
        batch_op.drop_column('declined_at')
