"""Which question of the bank a question of a file gives its other language.

Revision ID: 0041
Revises: 0040
"""

from alembic import op
import sqlalchemy as sa


revision = '0041'
down_revision = '0040'
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table('question_import_rows') as table:
        table.add_column(sa.Column('completes', sa.String(length=60), server_default='', nullable=False))


def downgrade() -> None:
    with op.batch_alter_table('question_import_rows') as table:
        table.drop_column('completes')
