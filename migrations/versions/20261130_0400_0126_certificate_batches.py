"""Many certificates at once: batches, their lines, what became of each, and print files.

Revision ID: 0126
Revises: 0125
"""

from alembic import op
import sqlalchemy as sa


revision = '0126'
down_revision = '0125'
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')


def upgrade() -> None:
    op.create_table('certificate_batches',
    sa.Column('id', _BIG, nullable=False),
    sa.Column('code', sa.String(length=20), nullable=False),
    sa.Column('kind', sa.Enum('issue', 'renew', 'revoke', 'zip', 'print', name='batchkind', native_enum=False, create_constraint=True, length=30), nullable=False),
    sa.Column('cohort_id', sa.Integer(), nullable=False),
    sa.Column('credential_id', sa.Integer(), nullable=True),
    sa.Column('languages', sa.Enum('en', 'ja', 'both', 'holder', name='filelanguages', native_enum=False, create_constraint=True, length=30), nullable=True),
    sa.Column('takes_all', sa.Boolean(), nullable=False),
    sa.Column('reason', sa.Text(), nullable=True),
    sa.Column('requested_by_id', sa.Integer(), nullable=False),
    sa.Column('requested_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("(kind = 'revoke') = (reason is not null)", name=op.f('ck_certificate_batches_reason')),
    sa.CheckConstraint("(kind in ('zip', 'print')) = (languages is not null)", name=op.f('ck_certificate_batches_languages')),
    sa.ForeignKeyConstraint(['cohort_id'], ['cohorts.id'], name=op.f('fk_certificate_batches_cohort_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['credential_id'], ['credentials.id'], name=op.f('fk_certificate_batches_credential_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['requested_by_id'], ['people.id'], name=op.f('fk_certificate_batches_requested_by_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_certificate_batches')),
    sa.UniqueConstraint('code', name=op.f('uq_certificate_batches_code'))
    )
    with op.batch_alter_table('certificate_batches', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_certificate_batches_cohort_id'), ['cohort_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_certificate_batches_credential_id'), ['credential_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_certificate_batches_requested_by_id'), ['requested_by_id'], unique=False)
    op.create_table('certificate_batch_acts',
    sa.Column('id', _BIG, nullable=False),
    sa.Column('batch_id', _BIG, nullable=False),
    sa.Column('act', sa.Enum('confirmed', 'declined', 'taken_back', 'cancelled', 'resumed', 'finished', name='act', native_enum=False, create_constraint=True, length=30), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('by_id', sa.Integer(), nullable=True),
    sa.Column('keys', sa.Text(), nullable=True),
    sa.ForeignKeyConstraint(['batch_id'], ['certificate_batches.id'], name=op.f('fk_certificate_batch_acts_batch_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['by_id'], ['people.id'], name=op.f('fk_certificate_batch_acts_by_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_certificate_batch_acts'))
    )
    with op.batch_alter_table('certificate_batch_acts', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_certificate_batch_acts_batch_id'), ['batch_id'], unique=False)
    op.create_table('certificate_batch_parts',
    sa.Column('id', _BIG, nullable=False),
    sa.Column('batch_id', _BIG, nullable=False),
    sa.Column('making', sa.String(length=20), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('content', sa.LargeBinary(), nullable=False),
    sa.ForeignKeyConstraint(['batch_id'], ['certificate_batches.id'], name=op.f('fk_certificate_batch_parts_batch_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_certificate_batch_parts')),
    sa.UniqueConstraint('making', 'position', name='uq_certificate_batch_parts_position')
    )
    with op.batch_alter_table('certificate_batch_parts', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_certificate_batch_parts_batch_id'), ['batch_id'], unique=False)
    op.create_table('certificate_batch_prints',
    sa.Column('id', _BIG, nullable=False),
    sa.Column('batch_id', _BIG, nullable=False),
    sa.Column('making', sa.String(length=20), nullable=False),
    sa.Column('made_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('pages', sa.Integer(), nullable=False),
    sa.Column('size', _BIG, nullable=False),
    sa.Column('sha256', sa.String(length=64), nullable=False),
    sa.Column('removed_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['batch_id'], ['certificate_batches.id'], name=op.f('fk_certificate_batch_prints_batch_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_certificate_batch_prints')),
    sa.UniqueConstraint('making', name=op.f('uq_certificate_batch_prints_making'))
    )
    with op.batch_alter_table('certificate_batch_prints', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_certificate_batch_prints_made_at'), ['made_at'], unique=False)
        batch_op.create_index('uq_certificate_batch_prints_kept', ['batch_id'], unique=True, sqlite_where=sa.text('removed_at is null'), postgresql_where=sa.text('removed_at is null'))
    op.create_table('certificate_batch_items',
    sa.Column('id', _BIG, nullable=False),
    sa.Column('batch_id', _BIG, nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('person_id', sa.Integer(), nullable=False),
    sa.Column('enrollment_code', sa.String(length=20), nullable=True),
    sa.Column('credential_id', sa.Integer(), nullable=True),
    sa.Column('certificate_id', _BIG, nullable=True),
    sa.Column('languages', sa.String(length=5), nullable=True),
    sa.Column('left_out', sa.Text(), nullable=True),
    sa.CheckConstraint('left_out is not null or certificate_id is not null or (enrollment_code is not null and credential_id is not null)', name=op.f('ck_certificate_batch_items_does_something')),
    sa.ForeignKeyConstraint(['batch_id'], ['certificate_batches.id'], name=op.f('fk_certificate_batch_items_batch_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['certificate_id'], ['certificates.id'], name=op.f('fk_certificate_batch_items_certificate_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['credential_id'], ['credentials.id'], name=op.f('fk_certificate_batch_items_credential_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['enrollment_code'], ['enrollments.code'], name=op.f('fk_certificate_batch_items_enrollment_code'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['person_id'], ['people.id'], name=op.f('fk_certificate_batch_items_person_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_certificate_batch_items')),
    sa.UniqueConstraint('batch_id', 'position', name='uq_certificate_batch_items_position')
    )
    with op.batch_alter_table('certificate_batch_items', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_certificate_batch_items_certificate_id'), ['certificate_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_certificate_batch_items_person_id'), ['person_id'], unique=False)
    op.create_table('certificate_batch_outcomes',
    sa.Column('id', _BIG, nullable=False),
    sa.Column('item_id', _BIG, nullable=False),
    sa.Column('outcome', sa.Enum('done', 'not_earned', 'refused', name='outcome', native_enum=False, create_constraint=True, length=30), nullable=False),
    sa.Column('reason', sa.Text(), nullable=True),
    sa.Column('certificate_id', _BIG, nullable=True),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("(outcome = 'done') = (certificate_id is not null)", name=op.f('ck_certificate_batch_outcomes_certificate')),
    sa.CheckConstraint("(outcome = 'done') = (reason is null)", name=op.f('ck_certificate_batch_outcomes_reason')),
    sa.ForeignKeyConstraint(['certificate_id'], ['certificates.id'], name=op.f('fk_certificate_batch_outcomes_certificate_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['item_id'], ['certificate_batch_items.id'], name=op.f('fk_certificate_batch_outcomes_item_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_certificate_batch_outcomes')),
    sa.UniqueConstraint('item_id', name=op.f('uq_certificate_batch_outcomes_item_id'))
    )


def downgrade() -> None:
    op.drop_table('certificate_batch_outcomes')
    with op.batch_alter_table('certificate_batch_items', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_certificate_batch_items_person_id'))
        batch_op.drop_index(batch_op.f('ix_certificate_batch_items_certificate_id'))
    op.drop_table('certificate_batch_items')
    with op.batch_alter_table('certificate_batch_prints', schema=None) as batch_op:
        batch_op.drop_index('uq_certificate_batch_prints_kept', sqlite_where=sa.text('removed_at is null'), postgresql_where=sa.text('removed_at is null'))
        batch_op.drop_index(batch_op.f('ix_certificate_batch_prints_made_at'))
    op.drop_table('certificate_batch_prints')
    with op.batch_alter_table('certificate_batch_parts', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_certificate_batch_parts_batch_id'))
    op.drop_table('certificate_batch_parts')
    with op.batch_alter_table('certificate_batch_acts', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_certificate_batch_acts_batch_id'))
    op.drop_table('certificate_batch_acts')
    with op.batch_alter_table('certificate_batches', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_certificate_batches_requested_by_id'))
        batch_op.drop_index(batch_op.f('ix_certificate_batches_credential_id'))
        batch_op.drop_index(batch_op.f('ix_certificate_batches_cohort_id'))
    op.drop_table('certificate_batches')
