"""Addresses under which certificates are shown, and requests to issue them anew under another name.

Revision ID: 0117
Revises: 0116
"""

from alembic import op
import sqlalchemy as sa


revision = '0117'
down_revision = '0116'
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')


def upgrade() -> None:
    op.create_table('certificate_shares',
    sa.Column('id', _BIG, nullable=False),
    sa.Column('code', sa.String(length=20), nullable=False),
    sa.Column('certificate_id', _BIG, nullable=False),
    sa.Column('label', sa.String(length=120), nullable=False),
    sa.Column('token_hash', sa.String(length=64), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('withdrawn_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['certificate_id'], ['certificates.id'], name=op.f('fk_certificate_shares_certificate_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_certificate_shares')),
    sa.UniqueConstraint('code', name=op.f('uq_certificate_shares_code')),
    sa.UniqueConstraint('token_hash', name=op.f('uq_certificate_shares_token_hash'))
    )
    with op.batch_alter_table('certificate_shares', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_certificate_shares_certificate_id'), ['certificate_id'], unique=False)
    op.create_table('reissue_requests',
    sa.Column('id', _BIG, nullable=False),
    sa.Column('certificate_id', _BIG, nullable=False),
    sa.Column('requested_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('requested_by_id', sa.Integer(), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('closed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('closed_by', sa.String(length=40), nullable=True),
    sa.CheckConstraint('(closed_at is null) = (closed_by is null)', name=op.f('ck_reissue_requests_closed')),
    sa.ForeignKeyConstraint(['certificate_id'], ['certificates.id'], name=op.f('fk_reissue_requests_certificate_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['requested_by_id'], ['people.id'], name=op.f('fk_reissue_requests_requested_by_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_reissue_requests'))
    )
    with op.batch_alter_table('reissue_requests', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_reissue_requests_certificate_id'), ['certificate_id'], unique=False)
        batch_op.create_index('uq_reissue_requests_open', ['certificate_id'], unique=True, sqlite_where=sa.text('closed_at is null'), postgresql_where=sa.text('closed_at is null'))


def downgrade() -> None:
    with op.batch_alter_table('reissue_requests', schema=None) as batch_op:
        batch_op.drop_index('uq_reissue_requests_open', sqlite_where=sa.text('closed_at is null'), postgresql_where=sa.text('closed_at is null'))
        batch_op.drop_index(batch_op.f('ix_reissue_requests_certificate_id'))
    op.drop_table('reissue_requests')
    with op.batch_alter_table('certificate_shares', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_certificate_shares_certificate_id'))
    op.drop_table('certificate_shares')
