"""Addresses under which dates can be subscribed, and what subscribers were told.

Revision ID: 0072
Revises: 0069
"""

from alembic import op
import sqlalchemy as sa


revision = '0072'
down_revision = '0069'
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')


def upgrade() -> None:
    op.create_table('calendar_feeds',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('person_id', sa.Integer(), nullable=False),
    sa.Column('token_hash', sa.String(length=64), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('revoked_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('fetched_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['person_id'], ['people.id'], name=op.f('fk_calendar_feeds_person_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_calendar_feeds')),
    sa.UniqueConstraint('token_hash', name=op.f('uq_calendar_feeds_token_hash'))
    )
    with op.batch_alter_table('calendar_feeds', schema=None) as batch_op:
        batch_op.create_index('uq_calendar_feeds_open', ['person_id'], unique=True, sqlite_where=sa.text('revoked_at is null'), postgresql_where=sa.text('revoked_at is null'))
    op.create_table('told_dates',
    sa.Column('id', _BIG, nullable=False),
    sa.Column('person_id', sa.Integer(), nullable=False),
    sa.Column('uid', sa.String(length=160), nullable=False),
    sa.Column('summary', sa.String(length=400), nullable=False),
    sa.Column('due_on', sa.Date(), nullable=False),
    sa.Column('is_cancelled', sa.Boolean(), nullable=False),
    sa.Column('sequence', sa.Integer(), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['person_id'], ['people.id'], name=op.f('fk_told_dates_person_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_told_dates')),
    sa.UniqueConstraint('person_id', 'uid', name=op.f('uq_told_dates_person_id_uid'))
    )


def downgrade() -> None:
    op.drop_table('told_dates')
    with op.batch_alter_table('calendar_feeds', schema=None) as batch_op:
        batch_op.drop_index('uq_calendar_feeds_open', sqlite_where=sa.text('revoked_at is null'), postgresql_where=sa.text('revoked_at is null'))
    op.drop_table('calendar_feeds')
