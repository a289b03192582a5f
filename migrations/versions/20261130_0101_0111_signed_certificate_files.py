"""Files of certificates are signed: by which keys, when, and what they were before.

Revision ID: 0111
Revises: 0110
"""

from alembic import op
import sqlalchemy as sa


revision = '0111'
down_revision = '0110'
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table('certificate_files', schema=None) as batch_op:
        batch_op.add_column(sa.Column('unsigned_sha256', sa.String(length=64), nullable=True))
        batch_op.add_column(sa.Column('kid', sa.String(length=43), nullable=True))
        batch_op.add_column(sa.Column('document_kid', sa.String(length=43), nullable=True))
        batch_op.add_column(sa.Column('signed_at', sa.DateTime(timezone=True), nullable=True))
        batch_op.create_check_constraint(op.f('ck_certificate_files_signed'), '(unsigned_sha256 is null) = (kid is null) and (kid is null) = (document_kid is null) and (kid is null) = (signed_at is null)')


def downgrade() -> None:
    with op.batch_alter_table('certificate_files', schema=None) as batch_op:
        batch_op.drop_constraint(op.f('ck_certificate_files_signed'), type_='check')
        batch_op.drop_column('signed_at')
        batch_op.drop_column('document_kid')
        batch_op.drop_column('kid')
        batch_op.drop_column('unsigned_sha256')
