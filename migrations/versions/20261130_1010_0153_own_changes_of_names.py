"""Own changes of names, which somebody else confirms or refuses.

Revision ID: 0153
Revises: 0131
"""

from alembic import op
import sqlalchemy as sa


revision = '0153'
down_revision = '0131'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('name_changes',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('code', sa.String(length=20), nullable=False),
    sa.Column('person_id', sa.Integer(), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('before', sa.Text(), nullable=False),
    sa.Column('after', sa.Text(), nullable=False),
    sa.Column('outcome', sa.Enum('confirmed', 'refused', 'set', 'replaced', name='nameoutcome', native_enum=False, create_constraint=True, length=30), nullable=True),
    sa.Column('decided_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('decided_by', sa.String(length=40), nullable=True),
    sa.Column('reason', sa.Text(), nullable=True),
    sa.CheckConstraint('(outcome is null) = (decided_at is null)', name=op.f('ck_name_changes_outcome')),
    sa.CheckConstraint('(outcome is null) = (decided_by is null)', name=op.f('ck_name_changes_decided_by')),
    sa.CheckConstraint("(outcome = 'refused') = (reason is not null) or outcome is null", name=op.f('ck_name_changes_reason')),
    sa.ForeignKeyConstraint(['person_id'], ['people.id'], name=op.f('fk_name_changes_person_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_name_changes')),
    sa.UniqueConstraint('code', name=op.f('uq_name_changes_code'))
    )
    op.create_index(op.f('ix_name_changes_person_id'), 'name_changes', ['person_id'], unique=False)
    op.create_index('uq_name_changes_open', 'name_changes', ['person_id'], unique=True, sqlite_where=sa.column('decided_at').is_(None), postgresql_where=sa.column('decided_at').is_(None))


def downgrade() -> None:
    op.drop_table('name_changes')
