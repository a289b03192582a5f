"""An attempt whose result is out can be made void by two people.

Revision ID: 0043
Revises: 0041
"""

from alembic import op
import sqlalchemy as sa


revision = '0043'
down_revision = '0041'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('void_requests',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('code', sa.String(length=20), nullable=False),
    sa.Column('attempt_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('asked_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('asked_by', sa.String(length=40), nullable=False),
    sa.Column('decided_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('decided_by', sa.String(length=40), nullable=True),
    sa.Column('is_confirmed', sa.Boolean(), nullable=True),
    sa.Column('note', sa.Text(), nullable=True),
    sa.CheckConstraint('(decided_at is null) = (decided_by is null)', name=op.f('ck_void_requests_decided_by')),
    sa.CheckConstraint('(decided_at is null) = (is_confirmed is null)', name=op.f('ck_void_requests_decided')),
    sa.CheckConstraint('not coalesce(is_confirmed, false) or decided_by <> asked_by', name=op.f('ck_void_requests_two_people')),
    sa.ForeignKeyConstraint(['attempt_id'], ['attempts.id'], name=op.f('fk_void_requests_attempt_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_void_requests')),
    sa.UniqueConstraint('code', name=op.f('uq_void_requests_code'))
    )
    with op.batch_alter_table('void_requests', schema=None) as batch_op:
        batch_op.create_index('ix_void_requests_attempt_id', ['attempt_id'], unique=False)
        batch_op.create_index('uq_void_requests_open', ['attempt_id'], unique=True, sqlite_where=sa.text('decided_at is null'), postgresql_where=sa.text('decided_at is null'))


def downgrade() -> None:
    op.drop_table('void_requests')
