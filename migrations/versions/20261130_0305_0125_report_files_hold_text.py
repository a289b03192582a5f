"""What was asked of a report file and what it lost are text, as all plain data is; PostgreSQL had other columns.

Revision ID: 0125
Revises: 0117
"""

from alembic import op
import sqlalchemy as sa


revision = '0125'
down_revision = '0117'
branch_labels = None
depends_on = None


def upgrade() -> None:
    # SQLite keeps either as text.
    if op.get_bind().dialect.name == 'postgresql':
        for column in ('asked', 'losses'):
            op.alter_column('report_files', column, type_=sa.Text(), existing_nullable=False, postgresql_using=f'{column}::text')


def downgrade() -> None:
    if op.get_bind().dialect.name == 'postgresql':
        for column in ('asked', 'losses'):
            op.alter_column('report_files', column, type_=sa.JSON(), existing_nullable=False, postgresql_using=f'{column}::json')
