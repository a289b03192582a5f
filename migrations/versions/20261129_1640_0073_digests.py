"""Digests of what is due, what they escalated, what people prefer, and which hours were looked at.

Revision ID: 0073
Revises: 0072
"""

from alembic import op
import sqlalchemy as sa


revision = '0073'
down_revision = '0072'
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')


def upgrade() -> None:
    op.create_table('reminder_preferences',
    sa.Column('person_id', sa.Integer(), nullable=False),
    sa.Column('hour', sa.Integer(), nullable=False),
    sa.Column('rhythm', sa.Enum('daily', 'weekly', 'never', name='rhythm', native_enum=False, create_constraint=True, length=30), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint('hour >= 9 and hour < 18', name=op.f('ck_reminder_preferences_hour')),
    sa.ForeignKeyConstraint(['person_id'], ['people.id'], name=op.f('fk_reminder_preferences_person_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('person_id', name=op.f('pk_reminder_preferences'))
    )
    op.create_table('digests',
    sa.Column('id', _BIG, nullable=False),
    sa.Column('person_id', sa.Integer(), nullable=False),
    sa.Column('on', sa.Date(), nullable=False),
    sa.Column('zone', sa.String(length=60), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['person_id'], ['people.id'], name=op.f('fk_digests_person_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_digests')),
    sa.UniqueConstraint('person_id', 'on', name=op.f('uq_digests_person_id_on'))
    )
    op.create_table('digest_escalations',
    sa.Column('id', _BIG, nullable=False),
    sa.Column('digest_id', _BIG, nullable=False),
    sa.Column('key', sa.String(length=200), nullable=False),
    sa.ForeignKeyConstraint(['digest_id'], ['digests.id'], name=op.f('fk_digest_escalations_digest_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_digest_escalations')),
    sa.UniqueConstraint('digest_id', 'key', name=op.f('uq_digest_escalations_digest_id_key'))
    )
    with op.batch_alter_table('digest_escalations', schema=None) as batch_op:
        batch_op.create_index('ix_digest_escalations_key', ['key'], unique=False)
    op.create_table('swept_hours',
    sa.Column('zone', sa.String(length=60), nullable=False),
    sa.Column('on', sa.Date(), nullable=False),
    sa.Column('hour', sa.Integer(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('zone', 'on', 'hour', name=op.f('pk_swept_hours'))
    )


def downgrade() -> None:
    op.drop_table('swept_hours')
    with op.batch_alter_table('digest_escalations', schema=None) as batch_op:
        batch_op.drop_index('ix_digest_escalations_key')
    op.drop_table('digest_escalations')
    op.drop_table('digests')
    op.drop_table('reminder_preferences')
