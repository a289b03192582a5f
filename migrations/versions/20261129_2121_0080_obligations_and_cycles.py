"""Obligations with their terms and states, whom they address, and the cycles of each person.

Revision ID: 0080
Revises: 0098
"""

from alembic import op
import sqlalchemy as sa


revision = '0080'
down_revision = '0098'
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')


def upgrade() -> None:
    op.create_table('obligations',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('code', sa.String(length=20), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('created_by', sa.String(length=40), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_obligations')),
    sa.UniqueConstraint('code', name=op.f('uq_obligations_code'))
    )
    op.create_table('obligation_states',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('obligation_id', sa.Integer(), nullable=False),
    sa.Column('state', sa.Enum('in_force', 'paused', 'ended', name='state', native_enum=False, create_constraint=True, length=30), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('by', sa.String(length=40), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.ForeignKeyConstraint(['obligation_id'], ['obligations.id'], name=op.f('fk_obligation_states_obligation_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_obligation_states'))
    )
    with op.batch_alter_table('obligation_states', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_obligation_states_obligation_id'), ['obligation_id'], unique=False)

    op.create_table('obligation_terms',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('obligation_id', sa.Integer(), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('title', sa.Text(), nullable=False),
    sa.Column('plan_slug', sa.String(length=60), nullable=False),
    sa.Column('markets', sa.Text(), nullable=False),
    sa.Column('teams', sa.Text(), nullable=False),
    sa.Column('roles', sa.Text(), nullable=False),
    sa.Column('holders_of', sa.String(length=60), nullable=True),
    sa.Column('rhythm', sa.Enum('after_completion', 'before_expiry', 'yearly', name='rhythm', native_enum=False, create_constraint=True, length=30), nullable=False),
    sa.Column('begins_on', sa.Date(), nullable=False),
    sa.Column('days', sa.Integer(), nullable=False),
    sa.Column('months', sa.Integer(), nullable=True),
    sa.Column('lead_days', sa.Integer(), nullable=True),
    sa.Column('credential_slug', sa.String(length=60), nullable=True),
    sa.Column('month', sa.Integer(), nullable=True),
    sa.Column('day', sa.Integer(), nullable=True),
    sa.Column('recognise_days', sa.Integer(), nullable=True),
    sa.Column('set_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('set_by', sa.String(length=40), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.CheckConstraint("(rhythm = 'after_completion') = (months is not null)", name=op.f('ck_obligation_terms_months')),
    sa.CheckConstraint("(rhythm = 'before_expiry') = (credential_slug is not null)", name=op.f('ck_obligation_terms_credential')),
    sa.CheckConstraint("(rhythm = 'before_expiry') = (lead_days is not null)", name=op.f('ck_obligation_terms_lead_days')),
    sa.CheckConstraint("(rhythm = 'yearly') = (month is not null and day is not null)", name=op.f('ck_obligation_terms_yearly')),
    sa.CheckConstraint("recognise_days is null or rhythm = 'yearly'", name=op.f('ck_obligation_terms_recognise_days')),
    sa.CheckConstraint('days >= 1', name=op.f('ck_obligation_terms_days')),
    sa.ForeignKeyConstraint(['obligation_id'], ['obligations.id'], name=op.f('fk_obligation_terms_obligation_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_obligation_terms')),
    sa.UniqueConstraint('obligation_id', 'number', name=op.f('uq_obligation_terms_obligation_id_number'))
    )
    op.create_table('obligation_people',
    sa.Column('id', _BIG, nullable=False),
    sa.Column('obligation_id', sa.Integer(), nullable=False),
    sa.Column('person_id', sa.Integer(), nullable=False),
    sa.Column('entered_on', sa.Date(), nullable=False),
    sa.Column('entered_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('left_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['obligation_id'], ['obligations.id'], name=op.f('fk_obligation_people_obligation_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['person_id'], ['people.id'], name=op.f('fk_obligation_people_person_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_obligation_people'))
    )
    with op.batch_alter_table('obligation_people', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_obligation_people_person_id'), ['person_id'], unique=False)
        batch_op.create_index('uq_obligation_people_present', ['obligation_id', 'person_id'], unique=True, sqlite_where=sa.text('left_at IS NULL'), postgresql_where=sa.text('left_at IS NULL'))

    op.create_table('obligation_cycles',
    sa.Column('id', _BIG, nullable=False),
    sa.Column('code', sa.String(length=20), nullable=False),
    sa.Column('obligation_id', sa.Integer(), nullable=False),
    sa.Column('person_id', sa.Integer(), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('terms_id', sa.Integer(), nullable=False),
    sa.Column('opens_on', sa.Date(), nullable=False),
    sa.Column('opened_on', sa.Date(), nullable=False),
    sa.Column('opened_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('opened_by', sa.String(length=40), nullable=False),
    sa.Column('open_reason', sa.Text(), nullable=True),
    sa.Column('due_on', sa.Date(), nullable=False),
    sa.Column('counts_from', sa.Enum('beginning', 'completion', 'expiry', 'fixed_day', 'by_hand', name='countsfrom', native_enum=False, create_constraint=True, length=30), nullable=False),
    sa.Column('counted_on', sa.Date(), nullable=True),
    sa.Column('counted_code', sa.String(length=20), nullable=False),
    sa.Column('enrollment_id', sa.Integer(), nullable=False),
    sa.Column('taken_up', sa.Boolean(), nullable=False),
    sa.Column('closed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('closed_as', sa.Enum('completed', 'recognised', 'lapsed', 'left', 'stopped', 'ended', name='closing', native_enum=False, create_constraint=True, length=30), nullable=True),
    sa.Column('closed_by', sa.String(length=40), nullable=True),
    sa.CheckConstraint("(counts_from = 'by_hand') = (open_reason is not null)", name=op.f('ck_obligation_cycles_open_reason')),
    sa.CheckConstraint('(closed_at is null) = (closed_as is null)', name=op.f('ck_obligation_cycles_closed_as')),
    sa.CheckConstraint('(closed_at is null) = (closed_by is null)', name=op.f('ck_obligation_cycles_closed_by')),
    sa.CheckConstraint('number >= 1', name=op.f('ck_obligation_cycles_number')),
    sa.CheckConstraint('opens_on <= opened_on', name=op.f('ck_obligation_cycles_opened_on')),
    sa.ForeignKeyConstraint(['enrollment_id'], ['enrollments.id'], name=op.f('fk_obligation_cycles_enrollment_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['obligation_id'], ['obligations.id'], name=op.f('fk_obligation_cycles_obligation_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['person_id'], ['people.id'], name=op.f('fk_obligation_cycles_person_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['terms_id'], ['obligation_terms.id'], name=op.f('fk_obligation_cycles_terms_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_obligation_cycles')),
    sa.UniqueConstraint('code', name=op.f('uq_obligation_cycles_code')),
    sa.UniqueConstraint('obligation_id', 'person_id', 'number', name=op.f('uq_obligation_cycles_obligation_id_person_id_number'))
    )
    with op.batch_alter_table('obligation_cycles', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_obligation_cycles_enrollment_id'), ['enrollment_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_obligation_cycles_person_id'), ['person_id'], unique=False)
        batch_op.create_index('uq_obligation_cycles_open', ['obligation_id', 'person_id'], unique=True, sqlite_where=sa.text('closed_at IS NULL'), postgresql_where=sa.text('closed_at IS NULL'))



def downgrade() -> None:
    with op.batch_alter_table('obligation_cycles', schema=None) as batch_op:
        batch_op.drop_index('uq_obligation_cycles_open', sqlite_where=sa.text('closed_at IS NULL'), postgresql_where=sa.text('closed_at IS NULL'))
        batch_op.drop_index(batch_op.f('ix_obligation_cycles_person_id'))
        batch_op.drop_index(batch_op.f('ix_obligation_cycles_enrollment_id'))

    op.drop_table('obligation_cycles')
    with op.batch_alter_table('obligation_people', schema=None) as batch_op:
        batch_op.drop_index('uq_obligation_people_present', sqlite_where=sa.text('left_at IS NULL'), postgresql_where=sa.text('left_at IS NULL'))
        batch_op.drop_index(batch_op.f('ix_obligation_people_person_id'))

    op.drop_table('obligation_people')
    op.drop_table('obligation_terms')
    with op.batch_alter_table('obligation_states', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_obligation_states_obligation_id'))

    op.drop_table('obligation_states')
    op.drop_table('obligations')
