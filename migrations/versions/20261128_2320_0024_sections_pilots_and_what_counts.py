"""Quizzes have sections, questions on trial, and say which attempt counts.

What is from before says nothing of these: no section, nothing on trial, the highest counts.

Revision ID: 0024
Revises: 0021
"""

from alembic import op
import sqlalchemy as sa

import portal.core.db


revision = '0024'
down_revision = '0021'
branch_labels = None
depends_on = None

COUNTS = sa.Enum('highest', 'latest', 'first', name='counts', native_enum=False, create_constraint=True, length=30)


def upgrade() -> None:
    with op.batch_alter_table('questions', schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f('ck_questions_questionstate'), type_='check')
        batch_op.create_check_constraint(
            batch_op.f('ck_questions_questionstate'), "state IN ('draft', 'pilot', 'live', 'stale', 'retired')"
        )
    with op.batch_alter_table('quiz_versions', schema=None) as batch_op:
        batch_op.add_column(sa.Column('sections', portal.core.db.Json(), nullable=True))
        batch_op.add_column(sa.Column('pilots', sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column('counts', COUNTS, nullable=True))
        batch_op.create_check_constraint(batch_op.f('ck_quiz_versions_pilots'), 'pilots is null or pilots > 0')
    with op.batch_alter_table('items', schema=None) as batch_op:
        batch_op.add_column(sa.Column('section', sa.String(length=60), nullable=True))
        batch_op.add_column(sa.Column('on_trial', sa.Boolean(), nullable=True))
    with op.batch_alter_table('markings', schema=None) as batch_op:
        batch_op.add_column(sa.Column('sections', portal.core.db.Json(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table('markings', schema=None) as batch_op:
        batch_op.drop_column('sections')
    with op.batch_alter_table('items', schema=None) as batch_op:
        batch_op.drop_column('on_trial')
        batch_op.drop_column('section')
    with op.batch_alter_table('quiz_versions', schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f('ck_quiz_versions_pilots'), type_='check')
        batch_op.drop_constraint(batch_op.f('ck_quiz_versions_counts'), type_='check')
        batch_op.drop_column('counts')
        batch_op.drop_column('pilots')
        batch_op.drop_column('sections')
    op.execute("UPDATE questions SET state = 'draft' WHERE state = 'pilot'")
    with op.batch_alter_table('questions', schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f('ck_questions_questionstate'), type_='check')
        batch_op.create_check_constraint(
            batch_op.f('ck_questions_questionstate'), "state IN ('draft', 'live', 'stale', 'retired')"
        )
