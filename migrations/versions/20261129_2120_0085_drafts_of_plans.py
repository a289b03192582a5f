"""Drafts of plans, what was saved of them, who wrote in them and what was done about them.

Revision ID: 0085
Revises: 0091
"""

from alembic import op
import sqlalchemy as sa

import portal.core.db


revision = '0085'
down_revision = '0091'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('plan_drafts',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('code', sa.String(length=20), nullable=False),
    sa.Column('plan_slug', sa.String(length=60), nullable=False),
    sa.Column('based_on_id', sa.Integer(), nullable=True),
    sa.Column('state', sa.Enum('writing', 'in_review', 'published', 'discarded', name='draftstate', native_enum=False, create_constraint=True, length=30), nullable=False),
    sa.Column('begun_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('begun_by', sa.String(length=40), nullable=False),
    sa.Column('revision', sa.Integer(), nullable=False),
    sa.Column('saved_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('saved_by', sa.String(length=40), nullable=False),
    sa.Column('spec', portal.core.db.Json(), nullable=False),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('published_version_id', sa.Integer(), nullable=True),
    sa.CheckConstraint("(ended_at is null) = (state in ('writing', 'in_review'))", name=op.f('ck_plan_drafts_ended')),
    sa.CheckConstraint("(published_version_id is null) = (state <> 'published')", name=op.f('ck_plan_drafts_published')),
    sa.CheckConstraint('revision >= 1', name=op.f('ck_plan_drafts_revision')),
    sa.ForeignKeyConstraint(['based_on_id'], ['plan_versions.id'], name=op.f('fk_plan_drafts_based_on_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['published_version_id'], ['plan_versions.id'], name=op.f('fk_plan_drafts_published_version_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_plan_drafts')),
    sa.UniqueConstraint('code', name=op.f('uq_plan_drafts_code'))
    )
    with op.batch_alter_table('plan_drafts', schema=None) as batch_op:
        batch_op.create_index('uq_plan_drafts_open', ['plan_slug'], unique=True, sqlite_where=sa.text('ended_at IS NULL'), postgresql_where=sa.text('ended_at IS NULL'))
    op.create_table('plan_draft_saves',
    sa.Column('draft_id', sa.Integer(), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('by', sa.String(length=40), nullable=False),
    sa.Column('spec', portal.core.db.Json(), nullable=False),
    sa.Column('undo_to', sa.Integer(), nullable=True),
    sa.Column('redo_to', sa.Integer(), nullable=True),
    sa.ForeignKeyConstraint(['draft_id'], ['plan_drafts.id'], name=op.f('fk_plan_draft_saves_draft_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('draft_id', 'number', name=op.f('pk_plan_draft_saves'))
    )
    op.create_table('plan_draft_authors',
    sa.Column('draft_id', sa.Integer(), nullable=False),
    sa.Column('person_id', sa.Integer(), nullable=False),
    sa.Column('since', sa.DateTime(timezone=True), nullable=False),
    sa.Column('seen_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['draft_id'], ['plan_drafts.id'], name=op.f('fk_plan_draft_authors_draft_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['person_id'], ['people.id'], name=op.f('fk_plan_draft_authors_person_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('draft_id', 'person_id', name=op.f('pk_plan_draft_authors'))
    )
    op.create_table('plan_draft_acts',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('draft_id', sa.Integer(), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('act', sa.Enum('submitted', 'taken_back', 'sent_back', 'approved', 'discarded', name='draftact', native_enum=False, create_constraint=True, length=30), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('by', sa.String(length=40), nullable=False),
    sa.Column('said', sa.Text(), nullable=False),
    sa.Column('digest', sa.String(length=64), nullable=False),
    sa.ForeignKeyConstraint(['draft_id'], ['plan_drafts.id'], name=op.f('fk_plan_draft_acts_draft_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_plan_draft_acts')),
    sa.UniqueConstraint('draft_id', 'number', name=op.f('uq_plan_draft_acts_draft_id_number'))
    )


def downgrade() -> None:
    op.drop_table('plan_draft_acts')
    op.drop_table('plan_draft_authors')
    op.drop_table('plan_draft_saves')
    with op.batch_alter_table('plan_drafts', schema=None) as batch_op:
        batch_op.drop_index('uq_plan_drafts_open')
    op.drop_table('plan_drafts')
