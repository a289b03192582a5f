"""Reports as files that somebody asked for, with the hash of what was made.

Revision ID: 0090
Revises: 0080
"""

from alembic import op
import sqlalchemy as sa


revision = '0090'
down_revision = '0080'
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')


def upgrade() -> None:
    op.create_table('report_files',
    sa.Column('id', _BIG, nullable=False),
    sa.Column('code', sa.String(length=20), nullable=False),
    sa.Column('kind', sa.Enum('cohort', 'evidence', name='reportkind', native_enum=False, create_constraint=True, length=30), nullable=False),
    sa.Column('format', sa.Enum('pdf', 'xlsx', 'csv', name='fileformat', native_enum=False, create_constraint=True, length=30), nullable=False),
    sa.Column('encoding', sa.String(length=10), nullable=False),
    sa.Column('language', sa.String(length=2), nullable=False),
    sa.Column('cohort_id', sa.Integer(), nullable=True),
    sa.Column('asked', sa.JSON(), nullable=False),
    sa.Column('asked_by_id', sa.Integer(), nullable=False),
    sa.Column('asked_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('made_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('sha256', sa.String(length=64), nullable=True),
    sa.Column('size', sa.Integer(), nullable=True),
    sa.Column('losses', sa.JSON(), nullable=False),
    sa.Column('content', sa.LargeBinary(), nullable=True),
    sa.CheckConstraint("language in ('en', 'ja')", name=op.f('ck_report_files_language')),
    sa.CheckConstraint("(kind = 'cohort') = (cohort_id is not null)", name=op.f('ck_report_files_cohort')),
    sa.CheckConstraint("(made_at is null) = (sha256 is null)", name=op.f('ck_report_files_made')),
    sa.ForeignKeyConstraint(['asked_by_id'], ['people.id'], name=op.f('fk_report_files_asked_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['cohort_id'], ['cohorts.id'], name=op.f('fk_report_files_cohort_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_report_files')),
    sa.UniqueConstraint('code', name=op.f('uq_report_files_code'))
    )
    with op.batch_alter_table('report_files', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_report_files_asked_at'), ['asked_at'], unique=False)
        batch_op.create_index(batch_op.f('ix_report_files_asked_by_id'), ['asked_by_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_report_files_cohort_id'), ['cohort_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_report_files_sha256'), ['sha256'], unique=False)


def downgrade() -> None:
    op.drop_table('report_files')
