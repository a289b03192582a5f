"""The public halves of the keys that sign certificates.

Revision ID: 0110
Revises: 0113
"""

from alembic import op
import sqlalchemy as sa


revision = '0110'
down_revision = '0113'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('signing_keys',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('kid', sa.String(length=43), nullable=False),
    sa.Column('purpose', sa.Enum('issue', 'document', name='keypurpose', native_enum=False, create_constraint=True, length=30), nullable=False),
    sa.Column('algorithm', sa.String(length=10), nullable=False),
    sa.Column('public', sa.Text(), nullable=False),
    sa.Column('certificate', sa.Text(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('retired_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("(purpose = 'document') = (certificate is not null)", name=op.f('ck_signing_keys_certificate')),
    sa.CheckConstraint('retired_at is null or retired_at >= created_at', name=op.f('ck_signing_keys_retired_at')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_signing_keys')),
    sa.UniqueConstraint('kid', name=op.f('uq_signing_keys_kid'))
    )
    with op.batch_alter_table('signing_keys', schema=None) as batch_op:
        batch_op.create_index('uq_signing_keys_active', ['purpose'], unique=True, sqlite_where=sa.text('retired_at is null'), postgresql_where=sa.text('retired_at is null'))


def downgrade() -> None:
    with op.batch_alter_table('signing_keys', schema=None) as batch_op:
        batch_op.drop_index('uq_signing_keys_active', sqlite_where=sa.text('retired_at is null'), postgresql_where=sa.text('retired_at is null'))
    op.drop_table('signing_keys')
