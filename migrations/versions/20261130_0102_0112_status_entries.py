"""Where the badge of each certificate stands in the published lists of what was revoked or suspended.

Certificates from before get their place from the worker.

Revision ID: 0112
Revises: 0111
"""

from alembic import op
import sqlalchemy as sa


revision = '0112'
down_revision = '0111'
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')


def upgrade() -> None:
    op.create_table('status_entries',
    sa.Column('id', _BIG, nullable=False),
    sa.Column('certificate_id', _BIG, nullable=False),
    sa.Column('list_no', sa.Integer(), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.CheckConstraint('list_no >= 1', name=op.f('ck_status_entries_list_no')),
    sa.CheckConstraint('position >= 0 and position < 131072', name=op.f('ck_status_entries_position')),
    sa.ForeignKeyConstraint(['certificate_id'], ['certificates.id'], name=op.f('fk_status_entries_certificate_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_status_entries')),
    sa.UniqueConstraint('certificate_id', name=op.f('uq_status_entries_certificate_id')),
    sa.UniqueConstraint('list_no', 'position', name=op.f('uq_status_entries_list_no_position'))
    )


def downgrade() -> None:
    op.drop_table('status_entries')
