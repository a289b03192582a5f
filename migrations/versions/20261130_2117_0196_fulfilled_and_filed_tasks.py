"""What fulfils a recurring task by itself, and the file of a content folder from which it came.

Revision ID: 0196
Revises: 0190
"""

from alembic import op
import sqlalchemy as sa


revision = '0196'
down_revision = '0190'
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table('recurring_tasks', schema=None) as batch_op:
        batch_op.add_column(sa.Column('fulfilled_by', sa.Enum('rehearsal', name='fulfilment', native_enum=False, create_constraint=True, length=30), nullable=True))
        batch_op.add_column(sa.Column('slug', sa.String(length=60), nullable=True))
        batch_op.add_column(sa.Column('stated_owner', sa.String(length=254), nullable=True))
        batch_op.add_column(sa.Column('stated_deputy', sa.String(length=254), nullable=True))
        batch_op.add_column(sa.Column('stated_owner_became', sa.String(length=60), nullable=True))
        batch_op.create_unique_constraint(op.f('uq_recurring_tasks_slug'), ['slug'])
    with op.batch_alter_table('recurring_task_terms', schema=None) as batch_op:
        batch_op.add_column(sa.Column('version', sa.String(length=20), nullable=True))
        batch_op.add_column(sa.Column('stated_on', sa.Date(), nullable=True))
    with op.batch_alter_table('recurring_task_runs', schema=None) as batch_op:
        batch_op.add_column(sa.Column('fulfilled_with', sa.String(length=20), nullable=True))
        batch_op.create_check_constraint('fulfilled', "outcome = 'done' or fulfilled_with is null")


def downgrade() -> None:
    with op.batch_alter_table('recurring_task_runs', schema=None) as batch_op:
        batch_op.drop_constraint('fulfilled', type_='check')
        batch_op.drop_column('fulfilled_with')
    with op.batch_alter_table('recurring_task_terms', schema=None) as batch_op:
        batch_op.drop_column('stated_on')
        batch_op.drop_column('version')
    with op.batch_alter_table('recurring_tasks', schema=None) as batch_op:
        batch_op.drop_constraint('fulfilment', type_='check')
        batch_op.drop_constraint(op.f('uq_recurring_tasks_slug'), type_='unique')
        batch_op.drop_column('stated_owner_became')
        batch_op.drop_column('stated_deputy')
        batch_op.drop_column('stated_owner')
        batch_op.drop_column('slug')
        batch_op.drop_column('fulfilled_by')
