"""Overlays of markets.

Revision ID: 0016
Revises: 0013
"""

from alembic import op
import sqlalchemy as sa


revision = '0016'
down_revision = '0013'
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table('documents', schema=None) as batch_op:
        batch_op.add_column(sa.Column('base_id', sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column('market', sa.String(length=20), nullable=True))
        batch_op.create_index(batch_op.f('ix_documents_base_id'), ['base_id'], unique=False)
        batch_op.create_foreign_key(batch_op.f('fk_documents_base_id_documents'), 'documents', ['base_id'], ['id'], ondelete='RESTRICT')
        batch_op.create_check_constraint(batch_op.f('ck_documents_overlay'), '(base_id is null) = (market is null)')
    with op.batch_alter_table('document_versions', schema=None) as batch_op:
        batch_op.add_column(sa.Column('over_id', sa.Integer(), nullable=True))
        batch_op.create_index(batch_op.f('ix_document_versions_over_id'), ['over_id'], unique=False)
        batch_op.create_foreign_key(batch_op.f('fk_document_versions_over_id_document_versions'), 'document_versions', ['over_id'], ['id'], ondelete='RESTRICT')
        batch_op.drop_constraint(batch_op.f('ck_document_versions_origin'), type_='check')
        batch_op.create_check_constraint(batch_op.f('ck_document_versions_origin'), "origin IN ('import', 'product', 'followed')")
    with op.batch_alter_table('version_texts', schema=None) as batch_op:
        batch_op.add_column(sa.Column('overlay', sa.Text(), nullable=True))
    with op.batch_alter_table('drafts', schema=None) as batch_op:
        batch_op.add_column(sa.Column('over_id', sa.Integer(), nullable=True))
        batch_op.create_foreign_key(batch_op.f('fk_drafts_over_id_document_versions'), 'document_versions', ['over_id'], ['id'], ondelete='RESTRICT')


def downgrade() -> None:
    with op.batch_alter_table('drafts', schema=None) as batch_op:
        batch_op.drop_column('over_id')
    with op.batch_alter_table('version_texts', schema=None) as batch_op:
        batch_op.drop_column('overlay')
    # There is no other word for it before; who wrote it is not known either.
    op.execute("UPDATE document_versions SET origin = 'import' WHERE origin = 'followed'")
    with op.batch_alter_table('document_versions', schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f('ck_document_versions_origin'), type_='check')
        batch_op.create_check_constraint(batch_op.f('ck_document_versions_origin'), "origin IN ('import', 'product')")
        batch_op.drop_index(batch_op.f('ix_document_versions_over_id'))
        batch_op.drop_column('over_id')
    with op.batch_alter_table('documents', schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f('ck_documents_overlay'), type_='check')
        batch_op.drop_index(batch_op.f('ix_documents_base_id'))
        batch_op.drop_column('market')
        batch_op.drop_column('base_id')
