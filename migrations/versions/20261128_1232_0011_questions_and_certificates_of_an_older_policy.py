"""Questions and certificates of an older policy.

Revision ID: 0011
Revises: 0010
"""

from alembic import op
import sqlalchemy as sa


revision = '0011'
down_revision = '0010'
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table('questions', schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f('ck_questions_questionstate'), type_='check')
        batch_op.create_check_constraint(
            batch_op.f('ck_questions_questionstate'), "state IN ('draft', 'live', 'stale', 'retired')"
        )

    op.create_table('question_staleness',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('question_id', sa.Integer(), nullable=False),
    sa.Column('question_version_id', sa.Integer(), nullable=False),
    sa.Column('document_slug', sa.String(length=90), nullable=False),
    sa.Column('version_id', sa.Integer(), nullable=False),
    sa.Column('version_number', sa.String(length=20), nullable=False),
    sa.Column('anchors', sa.Text(), nullable=False),
    sa.Column('since', sa.DateTime(timezone=True), nullable=False),
    sa.Column('kept_out_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('kept_out_by', sa.String(length=40), nullable=True),
    sa.Column('settled_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('settled_by', sa.String(length=40), nullable=True),
    sa.Column('settled_how', sa.Enum('still_right', 'new_version', 'called_off', name='settledhow', native_enum=False, create_constraint=True, length=30), nullable=True),
    sa.Column('settled_version_id', sa.Integer(), nullable=True),
    sa.Column('note', sa.Text(), nullable=False),
    sa.CheckConstraint('(kept_out_at is null) = (kept_out_by is null)', name=op.f('ck_question_staleness_kept_out')),
    sa.CheckConstraint('(settled_at is null) = (settled_by is null)', name=op.f('ck_question_staleness_settled_by')),
    sa.CheckConstraint('(settled_at is null) = (settled_how is null)', name=op.f('ck_question_staleness_settled')),
    sa.ForeignKeyConstraint(['question_id'], ['questions.id'], name=op.f('fk_question_staleness_question_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['question_version_id'], ['question_versions.id'], name=op.f('fk_question_staleness_question_version_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['settled_version_id'], ['question_versions.id'], name=op.f('fk_question_staleness_settled_version_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['version_id'], ['document_versions.id'], name=op.f('fk_question_staleness_version_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_question_staleness')),
    sa.UniqueConstraint('question_id', 'version_id', name=op.f('uq_question_staleness_question_id_version_id'))
    )
    with op.batch_alter_table('question_staleness', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_question_staleness_version_id'), ['version_id'], unique=False)
        batch_op.create_index('uq_question_staleness_open', ['question_id', 'document_slug'], unique=True, sqlite_where=sa.text('settled_at is null'), postgresql_where=sa.text('settled_at is null'))

    op.create_table('policy_supersessions',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('certificate_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('version_id', sa.Integer(), nullable=False),
    sa.Column('anchors', sa.Text(), nullable=False),
    sa.Column('noted_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('taken_back_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('taken_back_by', sa.String(length=40), nullable=True),
    sa.CheckConstraint('(taken_back_at is null) = (taken_back_by is null)', name=op.f('ck_policy_supersessions_taken_back')),
    sa.ForeignKeyConstraint(['certificate_id'], ['certificates.id'], name=op.f('fk_policy_supersessions_certificate_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['version_id'], ['document_versions.id'], name=op.f('fk_policy_supersessions_version_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_policy_supersessions')),
    sa.UniqueConstraint('certificate_id', 'version_id', name=op.f('uq_policy_supersessions_certificate_id_version_id'))
    )
    with op.batch_alter_table('policy_supersessions', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_policy_supersessions_version_id'), ['version_id'], unique=False)


def downgrade() -> None:
    with op.batch_alter_table('policy_supersessions', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_policy_supersessions_version_id'))

    op.drop_table('policy_supersessions')
    with op.batch_alter_table('question_staleness', schema=None) as batch_op:
        batch_op.drop_index('uq_question_staleness_open', sqlite_where=sa.text('settled_at is null'), postgresql_where=sa.text('settled_at is null'))
        batch_op.drop_index(batch_op.f('ix_question_staleness_version_id'))

    op.drop_table('question_staleness')
    op.execute("UPDATE questions SET state = 'live' WHERE state = 'stale'")
    with op.batch_alter_table('questions', schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f('ck_questions_questionstate'), type_='check')
        batch_op.create_check_constraint(
            batch_op.f('ck_questions_questionstate'), "state IN ('draft', 'live', 'retired')"
        )
