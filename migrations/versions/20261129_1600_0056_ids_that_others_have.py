"""A question of a file says whose id it would like to have; a file says how many of its questions only filled a language.

Revision ID: 0056
Revises: 0053
"""

from alembic import op
import sqlalchemy as sa


revision = '0056'
down_revision = '0053'
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table('question_imports') as table:
        table.add_column(sa.Column('completed', sa.Integer(), nullable=True))
    with op.batch_alter_table('question_import_rows') as table:
        table.add_column(sa.Column('clash', sa.Text(), nullable=True))
        table.add_column(sa.Column('clash_line', sa.Integer(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table('question_import_rows') as table:
        table.drop_column('clash_line')
        table.drop_column('clash')
    with op.batch_alter_table('question_imports') as table:
        table.drop_column('completed')
