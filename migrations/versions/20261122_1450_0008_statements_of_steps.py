"""steps whose sign-off asks for no statement.

Revision ID: 0008
Revises: 0007
"""

from alembic import op
import sqlalchemy as sa


revision = '0008'
down_revision = '0007'
branch_labels = None
depends_on = None


def upgrade() -> None:
    # NULL for what there is: facts that are NULL are left out of the digest, so that its seals hold.
    op.add_column('plan_steps', sa.Column('statement_asked', sa.Boolean(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table('plan_steps') as batch:
        batch.drop_column('statement_asked')
