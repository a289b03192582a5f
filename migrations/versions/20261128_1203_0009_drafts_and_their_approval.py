"""Drafts and their approval.

Revision ID: 0009
Revises: 0008
"""

from alembic import op
import sqlalchemy as sa


revision = '0009'
down_revision = '0008'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('drafts',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('code', sa.String(length=20), nullable=False),
    sa.Column('document_id', sa.Integer(), nullable=False),
    sa.Column('based_on_id', sa.Integer(), nullable=True),
    sa.Column('state', sa.Enum('writing', 'in_review', 'approved', 'published', 'discarded', name='draftstate', native_enum=False, create_constraint=True, length=30), nullable=False),
    sa.Column('begun_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('begun_by', sa.String(length=40), nullable=False),
    sa.Column('revision', sa.Integer(), nullable=False),
    sa.Column('number', sa.String(length=20), nullable=False),
    sa.Column('change_class', sa.Enum('editorial', 'minor', 'material', 'emergency', name='changeclass', native_enum=False, create_constraint=True, length=30), nullable=True),
    sa.Column('effective_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('zone', sa.String(length=60), nullable=False),
    sa.Column('issue_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('provisional_reason', sa.Text(), nullable=False),
    sa.Column('note', sa.Text(), nullable=False),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('published_version_id', sa.Integer(), nullable=True),
    sa.CheckConstraint("(ended_at is null) = (state in ('writing', 'in_review', 'approved'))", name=op.f('ck_drafts_ended')),
    sa.CheckConstraint("(published_version_id is null) = (state <> 'published')", name=op.f('ck_drafts_published')),
    sa.ForeignKeyConstraint(['based_on_id'], ['document_versions.id'], name=op.f('fk_drafts_based_on_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['document_id'], ['documents.id'], name=op.f('fk_drafts_document_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['published_version_id'], ['document_versions.id'], name=op.f('fk_drafts_published_version_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_drafts')),
    sa.UniqueConstraint('code', name=op.f('uq_drafts_code'))
    )
    with op.batch_alter_table('drafts', schema=None) as batch_op:
        batch_op.create_index('ix_drafts_document_state', ['document_id', 'state'], unique=False)

    op.create_table('approval_steps',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('document_id', sa.Integer(), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('approver_id', sa.Integer(), nullable=False),
    sa.Column('deputy_id', sa.Integer(), nullable=True),
    sa.Column('since', sa.DateTime(timezone=True), nullable=False),
    sa.Column('set_by', sa.String(length=40), nullable=False),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint('position >= 1', name=op.f('ck_approval_steps_position')),
    sa.ForeignKeyConstraint(['approver_id'], ['people.id'], name=op.f('fk_approval_steps_approver_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['deputy_id'], ['people.id'], name=op.f('fk_approval_steps_deputy_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['document_id'], ['documents.id'], name=op.f('fk_approval_steps_document_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_approval_steps'))
    )
    with op.batch_alter_table('approval_steps', schema=None) as batch_op:
        batch_op.create_index('uq_approval_steps_open', ['document_id', 'position'], unique=True, sqlite_where=sa.text('ended_at IS NULL'), postgresql_where=sa.text('ended_at IS NULL'))

    op.create_table('draft_asides',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('code', sa.String(length=20), nullable=False),
    sa.Column('draft_id', sa.Integer(), nullable=False),
    sa.Column('language', sa.String(length=2), nullable=False),
    sa.Column('person_id', sa.Integer(), nullable=False),
    sa.Column('revision', sa.Integer(), nullable=False),
    sa.Column('values', sa.Text(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('settled_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['draft_id'], ['drafts.id'], name=op.f('fk_draft_asides_draft_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['person_id'], ['people.id'], name=op.f('fk_draft_asides_person_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_draft_asides')),
    sa.UniqueConstraint('code', name=op.f('uq_draft_asides_code'))
    )
    with op.batch_alter_table('draft_asides', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_draft_asides_draft_id'), ['draft_id'], unique=False)

    op.create_table('draft_authors',
    sa.Column('draft_id', sa.Integer(), nullable=False),
    sa.Column('person_id', sa.Integer(), nullable=False),
    sa.Column('since', sa.DateTime(timezone=True), nullable=False),
    sa.Column('seen_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['draft_id'], ['drafts.id'], name=op.f('fk_draft_authors_draft_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['person_id'], ['people.id'], name=op.f('fk_draft_authors_person_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('draft_id', 'person_id', name=op.f('pk_draft_authors'))
    )
    op.create_table('draft_comments',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('code', sa.String(length=20), nullable=False),
    sa.Column('draft_id', sa.Integer(), nullable=False),
    sa.Column('anchor', sa.String(length=60), nullable=False),
    sa.Column('language', sa.String(length=2), nullable=False),
    sa.Column('body', sa.Text(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('person_id', sa.Integer(), nullable=False),
    sa.Column('settled_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('settled_by', sa.String(length=40), nullable=True),
    sa.ForeignKeyConstraint(['draft_id'], ['drafts.id'], name=op.f('fk_draft_comments_draft_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['person_id'], ['people.id'], name=op.f('fk_draft_comments_person_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_draft_comments')),
    sa.UniqueConstraint('code', name=op.f('uq_draft_comments_code'))
    )
    with op.batch_alter_table('draft_comments', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_draft_comments_draft_id'), ['draft_id'], unique=False)

    op.create_table('draft_reviews',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('draft_id', sa.Integer(), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('act', sa.Enum('submitted', 'taken_back', 'sent_back', 'approved', 'outdated', 'published', 'discarded', name='reviewact', native_enum=False, create_constraint=True, length=30), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('by', sa.String(length=40), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('hash', sa.String(length=64), nullable=False),
    sa.Column('step', sa.Integer(), nullable=True),
    sa.Column('instead_of', sa.String(length=40), nullable=True),
    sa.ForeignKeyConstraint(['draft_id'], ['drafts.id'], name=op.f('fk_draft_reviews_draft_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_draft_reviews')),
    sa.UniqueConstraint('draft_id', 'number', name=op.f('uq_draft_reviews_draft_id_number'))
    )
    op.create_table('draft_texts',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('draft_id', sa.Integer(), nullable=False),
    sa.Column('language', sa.String(length=2), nullable=False),
    sa.Column('revision', sa.Integer(), nullable=False),
    sa.Column('title', sa.String(length=300), nullable=False),
    sa.Column('summary', sa.Text(), nullable=False),
    sa.Column('what_to_do_differently', sa.Text(), nullable=False),
    sa.Column('attestation', sa.Text(), nullable=False),
    sa.Column('source', sa.Text(), nullable=False),
    sa.Column('made_from', sa.Text(), nullable=False),
    sa.Column('saved_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('saved_by', sa.String(length=40), nullable=False),
    sa.CheckConstraint("language in ('en', 'ja')", name=op.f('ck_draft_texts_language')),
    sa.CheckConstraint('revision >= 1', name=op.f('ck_draft_texts_revision')),
    sa.ForeignKeyConstraint(['draft_id'], ['drafts.id'], name=op.f('fk_draft_texts_draft_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_draft_texts')),
    sa.UniqueConstraint('draft_id', 'language', name=op.f('uq_draft_texts_draft_id_language'))
    )


def downgrade() -> None:
    op.drop_table('draft_texts')
    op.drop_table('draft_reviews')
    with op.batch_alter_table('draft_comments', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_draft_comments_draft_id'))

    op.drop_table('draft_comments')
    op.drop_table('draft_authors')
    with op.batch_alter_table('draft_asides', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_draft_asides_draft_id'))

    op.drop_table('draft_asides')
    with op.batch_alter_table('approval_steps', schema=None) as batch_op:
        batch_op.drop_index('uq_approval_steps_open', sqlite_where=sa.text('ended_at IS NULL'), postgresql_where=sa.text('ended_at IS NULL'))

    op.drop_table('approval_steps')
    with op.batch_alter_table('drafts', schema=None) as batch_op:
        batch_op.drop_index('ix_drafts_document_state')

    op.drop_table('drafts')
