"""Campaigns and what they ask.

Revision ID: 0010
Revises: 0009
"""

from alembic import op
import sqlalchemy as sa


revision = '0010'
down_revision = '0009'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('campaigns',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('code', sa.String(length=20), nullable=False),
    sa.Column('version_id', sa.Integer(), nullable=False),
    sa.Column('change_class', sa.Enum('editorial', 'minor', 'material', 'emergency', name='changeclass', native_enum=False, create_constraint=True, length=30), nullable=False),
    sa.Column('asked_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('asked_by', sa.String(length=40), nullable=False),
    sa.Column('days_current', sa.Integer(), nullable=False),
    sa.Column('days_newcomers', sa.Integer(), nullable=False),
    sa.Column('days_returning', sa.Integer(), nullable=False),
    sa.Column('hours', sa.Integer(), nullable=True),
    sa.Column('closed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('closed_because', sa.Enum('superseded', 'withdrawn', 'by_hand', name='campaignend', native_enum=False, create_constraint=True, length=30), nullable=True),
    sa.Column('closed_by', sa.String(length=40), nullable=True),
    sa.Column('close_reason', sa.Text(), nullable=False),
    sa.Column('superseded_by', sa.String(length=20), nullable=True),
    sa.CheckConstraint("(superseded_by is not null) = (closed_because is not null and closed_because = 'superseded')", name=op.f('ck_campaigns_superseded')),
    sa.CheckConstraint('(closed_at is null) = (closed_because is null)', name=op.f('ck_campaigns_closed')),
    sa.CheckConstraint('days_current >= 1 and days_newcomers >= 1 and days_returning >= 1', name=op.f('ck_campaigns_days')),
    sa.CheckConstraint('hours is null or hours >= 1', name=op.f('ck_campaigns_hours')),
    sa.ForeignKeyConstraint(['version_id'], ['document_versions.id'], name=op.f('fk_campaigns_version_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_campaigns')),
    sa.UniqueConstraint('code', name=op.f('uq_campaigns_code')),
    sa.UniqueConstraint('version_id', name=op.f('uq_campaigns_version_id'))
    )
    op.create_table('acknowledgement_requests',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('campaign_id', sa.Integer(), nullable=False),
    sa.Column('document_id', sa.Integer(), nullable=False),
    sa.Column('person_id', sa.Integer(), nullable=False),
    sa.Column('asked_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('asked_as', sa.Enum('current', 'newcomer', 'returning', name='askedas', native_enum=False, create_constraint=True, length=30), nullable=False),
    sa.Column('from_version_id', sa.Integer(), nullable=True),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('due_on', sa.Date(), nullable=False),
    sa.Column('due_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('days', sa.Integer(), nullable=False),
    sa.Column('closed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('closed_as', sa.Enum('confirmed', 'superseded', 'withdrawn', 'exempt', 'left', 'stopped', name='requestend', native_enum=False, create_constraint=True, length=30), nullable=True),
    sa.Column('exempt_by', sa.String(length=40), nullable=True),
    sa.Column('exempt_reason', sa.Text(), nullable=False),
    sa.Column('delta_opened_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('minutes', sa.Integer(), nullable=False),
    sa.Column('dated_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('next_mail', sa.Integer(), nullable=False),
    sa.Column('next_mail_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("(exempt_by is not null) = (closed_as is not null and closed_as = 'exempt')", name=op.f('ck_acknowledgement_requests_exempt')),
    sa.CheckConstraint('(closed_at is null) = (closed_as is null)', name=op.f('ck_acknowledgement_requests_closed')),
    sa.CheckConstraint('next_mail_at is null or closed_at is null', name=op.f('ck_acknowledgement_requests_mails')),
    sa.ForeignKeyConstraint(['campaign_id'], ['campaigns.id'], name=op.f('fk_acknowledgement_requests_campaign_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['document_id'], ['documents.id'], name=op.f('fk_acknowledgement_requests_document_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['from_version_id'], ['document_versions.id'], name=op.f('fk_acknowledgement_requests_from_version_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['person_id'], ['people.id'], name=op.f('fk_acknowledgement_requests_person_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_acknowledgement_requests')),
    sa.UniqueConstraint('campaign_id', 'person_id', name=op.f('uq_acknowledgement_requests_campaign_id_person_id'))
    )
    with op.batch_alter_table('acknowledgement_requests', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_acknowledgement_requests_document_id'), ['document_id'], unique=False)
        batch_op.create_index('ix_acknowledgement_requests_next_mail_at', ['next_mail_at'], unique=False)
        batch_op.create_index('uq_acknowledgement_requests_open', ['person_id', 'document_id'], unique=True, sqlite_where=sa.text('closed_at IS NULL'), postgresql_where=sa.text('closed_at IS NULL'))

    op.create_table('clause_questions',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('code', sa.String(length=20), nullable=False),
    sa.Column('version_id', sa.Integer(), nullable=False),
    sa.Column('anchor', sa.String(length=60), nullable=False),
    sa.Column('person_id', sa.Integer(), nullable=False),
    sa.Column('language', sa.String(length=2), nullable=False),
    sa.Column('body', sa.Text(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('answered_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('answered_by', sa.String(length=40), nullable=True),
    sa.Column('answer', sa.Text(), nullable=False),
    sa.CheckConstraint("language in ('en', 'ja')", name=op.f('ck_clause_questions_language')),
    sa.CheckConstraint('(answered_at is null) = (answered_by is null)', name=op.f('ck_clause_questions_answered')),
    sa.ForeignKeyConstraint(['person_id'], ['people.id'], name=op.f('fk_clause_questions_person_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['version_id'], ['document_versions.id'], name=op.f('fk_clause_questions_version_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_clause_questions')),
    sa.UniqueConstraint('code', name=op.f('uq_clause_questions_code'))
    )
    with op.batch_alter_table('clause_questions', schema=None) as batch_op:
        batch_op.create_index('ix_clause_questions_person_id', ['person_id'], unique=False)
        batch_op.create_index('ix_clause_questions_version_id', ['version_id', 'person_id'], unique=False)

    op.create_table('delta_answers',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('request_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('question_version_id', sa.Integer(), nullable=False),
    sa.Column('answer', sa.Text(), nullable=False),
    sa.Column('right', sa.Boolean(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['question_version_id'], ['question_versions.id'], name=op.f('fk_delta_answers_question_version_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['request_id'], ['acknowledgement_requests.id'], name=op.f('fk_delta_answers_request_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_delta_answers'))
    )
    with op.batch_alter_table('delta_answers', schema=None) as batch_op:
        batch_op.create_index('ix_delta_answers_request_id', ['request_id', 'at'], unique=False)



def downgrade() -> None:
    with op.batch_alter_table('delta_answers', schema=None) as batch_op:
        batch_op.drop_index('ix_delta_answers_request_id')

    op.drop_table('delta_answers')
    with op.batch_alter_table('clause_questions', schema=None) as batch_op:
        batch_op.drop_index('ix_clause_questions_version_id')
        batch_op.drop_index('ix_clause_questions_person_id')

    op.drop_table('clause_questions')
    with op.batch_alter_table('acknowledgement_requests', schema=None) as batch_op:
        batch_op.drop_index('uq_acknowledgement_requests_open', sqlite_where=sa.text('closed_at IS NULL'), postgresql_where=sa.text('closed_at IS NULL'))
        batch_op.drop_index('ix_acknowledgement_requests_next_mail_at')
        batch_op.drop_index(batch_op.f('ix_acknowledgement_requests_document_id'))

    op.drop_table('acknowledgement_requests')
    op.drop_table('campaigns')
