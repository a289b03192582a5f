"""A quiz may say what it is for, its tolerance, how near the border is, and for how long results can be appealed.

What is from before says none of these: what the product or the organisation says holds for it, as it did.

Revision ID: 0030
Revises: 0029
"""

from alembic import op
import sqlalchemy as sa

import portal.core.db


revision = '0030'
down_revision = '0029'
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table('quiz_versions', schema=None) as batch_op:
        batch_op.add_column(sa.Column('purpose', portal.core.db.WordsType(), nullable=True))
        batch_op.add_column(sa.Column('borderline_within', portal.core.db.ExactFraction(), nullable=True))
        batch_op.add_column(sa.Column('appeal_days', sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column('tolerance_seconds', sa.Integer(), nullable=True))
        batch_op.create_check_constraint(
            batch_op.f('ck_quiz_versions_tolerance_seconds'),
            'tolerance_seconds is null or tolerance_seconds between 0 and 60',
        )
        batch_op.create_check_constraint(
            batch_op.f('ck_quiz_versions_appeal_days'), 'appeal_days is null or appeal_days between 0 and 365'
        )


def downgrade() -> None:
    with op.batch_alter_table('quiz_versions', schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f('ck_quiz_versions_appeal_days'), type_='check')
        batch_op.drop_constraint(batch_op.f('ck_quiz_versions_tolerance_seconds'), type_='check')
        batch_op.drop_column('tolerance_seconds')
        batch_op.drop_column('appeal_days')
        batch_op.drop_column('borderline_within')
        batch_op.drop_column('purpose')
