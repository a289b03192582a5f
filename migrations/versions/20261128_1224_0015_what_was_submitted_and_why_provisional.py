"""what was submitted, the class that was confirmed, and why a version is provisional.

Revision ID: 0015
Revises: 0014
"""

from alembic import op
import sqlalchemy as sa


revision = '0015'
down_revision = '0014'
branch_labels = None
depends_on = None

# NULL for what there is: facts that are NULL are left out of the digest, so that its seals hold.


def upgrade() -> None:
    op.add_column('document_versions', sa.Column('provisional_reason', sa.Text(), nullable=True))
    op.add_column('version_texts', sa.Column('stated_behind', sa.Text(), nullable=True))
    with op.batch_alter_table('draft_reviews', schema=None) as batch_op:
        batch_op.add_column(sa.Column('clauses', sa.Text(), nullable=True))
        batch_op.add_column(sa.Column('change_class', sa.String(length=30), nullable=True))
        batch_op.create_check_constraint(
            'changeclass', "change_class IN ('editorial', 'minor', 'material', 'emergency')"
        )


def downgrade() -> None:
    with op.batch_alter_table('draft_reviews', schema=None) as batch_op:
        batch_op.drop_constraint(op.f('ck_draft_reviews_changeclass'), type_='check')
        batch_op.drop_column('change_class')
        batch_op.drop_column('clauses')
    with op.batch_alter_table('version_texts', schema=None) as batch_op:
        batch_op.drop_column('stated_behind')
    with op.batch_alter_table('document_versions', schema=None) as batch_op:
        batch_op.drop_column('provisional_reason')
