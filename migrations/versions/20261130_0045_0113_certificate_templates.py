"""Templates of certificates with their versions, drafts and pictures; which one a credential's certificates follow.

Revision ID: 0113
Revises: 0107
"""

from alembic import op
import sqlalchemy as sa

import portal.core.db


revision = '0113'
down_revision = '0107'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('certificate_templates',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('slug', sa.String(length=60), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('created_by', sa.String(length=40), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_certificate_templates')),
    sa.UniqueConstraint('slug', name=op.f('uq_certificate_templates_slug'))
    )
    op.create_table('certificate_template_versions',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('template_id', sa.Integer(), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('spec', portal.core.db.Json(), nullable=False),
    sa.Column('hash', sa.String(length=64), nullable=False),
    sa.Column('published_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('published_by', sa.String(length=40), nullable=False),
    sa.CheckConstraint('number >= 1', name=op.f('ck_certificate_template_versions_number')),
    sa.ForeignKeyConstraint(['template_id'], ['certificate_templates.id'], name=op.f('fk_certificate_template_versions_template_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_certificate_template_versions')),
    sa.UniqueConstraint('template_id', 'number', name='uq_certificate_template_versions_number')
    )
    op.create_table('certificate_template_drafts',
    sa.Column('template_id', sa.Integer(), nullable=False),
    sa.Column('revision', sa.Integer(), nullable=False),
    sa.Column('spec', portal.core.db.Json(), nullable=False),
    sa.Column('saved_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('saved_by', sa.String(length=40), nullable=False),
    sa.CheckConstraint('revision >= 1', name=op.f('ck_certificate_template_drafts_revision')),
    sa.ForeignKeyConstraint(['template_id'], ['certificate_templates.id'], name=op.f('fk_certificate_template_drafts_template_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('template_id', name=op.f('pk_certificate_template_drafts'))
    )
    op.create_table('certificate_images',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.Enum('logo', 'signature', 'seal', name='imagekind', native_enum=False, create_constraint=True, length=30), nullable=False),
    sa.Column('sha256', sa.String(length=64), nullable=False),
    sa.Column('name', sa.String(length=80), nullable=False),
    sa.Column('width', sa.Integer(), nullable=False),
    sa.Column('height', sa.Integer(), nullable=False),
    sa.Column('size', sa.Integer(), nullable=False),
    sa.Column('uploaded_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('uploaded_by', sa.String(length=40), nullable=False),
    sa.Column('data', sa.LargeBinary(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_certificate_images')),
    sa.UniqueConstraint('kind', 'sha256', name='uq_certificate_images_kind_sha256')
    )
    with op.batch_alter_table('certificate_images', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_certificate_images_sha256'), ['sha256'], unique=False)
    with op.batch_alter_table('credential_versions', schema=None) as batch_op:
        batch_op.add_column(sa.Column('template_version_id', sa.Integer(), nullable=True))
        batch_op.create_foreign_key(batch_op.f('fk_credential_versions_template_version_id'), 'certificate_template_versions', ['template_version_id'], ['id'], ondelete='RESTRICT')


def downgrade() -> None:
    with op.batch_alter_table('credential_versions', schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f('fk_credential_versions_template_version_id'), type_='foreignkey')
        batch_op.drop_column('template_version_id')
    with op.batch_alter_table('certificate_images', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_certificate_images_sha256'))
    op.drop_table('certificate_images')
    op.drop_table('certificate_template_drafts')
    op.drop_table('certificate_template_versions')
    op.drop_table('certificate_templates')
