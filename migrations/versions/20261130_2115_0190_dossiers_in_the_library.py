"""Documents that are addressed by name, versions that are put together, and the dossiers of handovers.

Revision ID: 0190
Revises: 0195
"""

from alembic import op
import sqlalchemy as sa


revision = '0190'
down_revision = '0195'
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table('documents', schema=None) as batch_op:
        batch_op.add_column(sa.Column('is_by_name', sa.Boolean(), server_default=sa.false(), nullable=False))
    with op.batch_alter_table('document_audiences', schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f('ck_document_audiences_audiencekind'), type_='check')
        batch_op.create_check_constraint(batch_op.f('ck_document_audiences_audiencekind'), "kind IN ('market', 'team', 'role', 'person')")
    with op.batch_alter_table('document_versions', schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f('ck_document_versions_origin'), type_='check')
        batch_op.create_check_constraint(batch_op.f('ck_document_versions_origin'), "origin IN ('import', 'product', 'followed', 'compiled')")
    op.create_table('handover_dossiers',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('handover_id', sa.Integer(), nullable=False),
    sa.Column('successor_id', sa.Integer(), nullable=True),
    sa.Column('document_id', sa.Integer(), nullable=False),
    sa.Column('begun_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['document_id'], ['documents.id'], name=op.f('fk_handover_dossiers_document_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['handover_id'], ['handovers.id'], name=op.f('fk_handover_dossiers_handover_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['successor_id'], ['people.id'], name=op.f('fk_handover_dossiers_successor_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_handover_dossiers')),
    sa.UniqueConstraint('document_id', name=op.f('uq_handover_dossiers_document_id')),
    sa.UniqueConstraint('handover_id', 'successor_id', name=op.f('uq_handover_dossiers_handover_id_successor_id'))
    )
    with op.batch_alter_table('handover_dossiers', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_handover_dossiers_successor_id'), ['successor_id'], unique=False)
        batch_op.create_index('uq_handover_dossiers_whole', ['handover_id'], unique=True, sqlite_where=sa.text('successor_id IS NULL'), postgresql_where=sa.text('successor_id IS NULL'))
    op.create_table('handover_dossier_files',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('version_id', sa.Integer(), nullable=False),
    sa.Column('language', sa.String(length=2), nullable=False),
    sa.Column('made_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('sha256', sa.String(length=64), nullable=False),
    sa.Column('size', sa.Integer(), nullable=False),
    sa.Column('content', sa.LargeBinary(), nullable=False),
    sa.CheckConstraint("language in ('en', 'ja')", name=op.f('ck_handover_dossier_files_language')),
    sa.ForeignKeyConstraint(['version_id'], ['document_versions.id'], name=op.f('fk_handover_dossier_files_version_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_handover_dossier_files')),
    sa.UniqueConstraint('version_id', 'language', name=op.f('uq_handover_dossier_files_version_id_language'))
    )


def downgrade() -> None:
    op.drop_table('handover_dossier_files')
    with op.batch_alter_table('handover_dossiers', schema=None) as batch_op:
        batch_op.drop_index('uq_handover_dossiers_whole', sqlite_where=sa.text('successor_id IS NULL'), postgresql_where=sa.text('successor_id IS NULL'))
        batch_op.drop_index(batch_op.f('ix_handover_dossiers_successor_id'))
    op.drop_table('handover_dossiers')
    # Without the column they would be addressed to everybody: they become those of teams that there are not, and stay so.
    op.execute("UPDATE document_audiences SET kind = 'team', code = 'person:' || code WHERE kind = 'person'")
    op.execute("INSERT INTO document_audiences (document_id, kind, code, since) SELECT id, 'team', 'person:', created_at FROM documents WHERE is_by_name = true")
    # There is no other word for it before.
    op.execute("UPDATE document_versions SET origin = 'import' WHERE origin = 'compiled'")
    with op.batch_alter_table('document_versions', schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f('ck_document_versions_origin'), type_='check')
        batch_op.create_check_constraint(batch_op.f('ck_document_versions_origin'), "origin IN ('import', 'product', 'followed')")
    with op.batch_alter_table('document_audiences', schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f('ck_document_audiences_audiencekind'), type_='check')
        batch_op.create_check_constraint(batch_op.f('ck_document_audiences_audiencekind'), "kind IN ('market', 'team', 'role')")
    with op.batch_alter_table('documents', schema=None) as batch_op:
        batch_op.drop_column('is_by_name')
