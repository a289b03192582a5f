"""One-to-ones that are taken back, and those that stand in the place of one with a wrong day.

Revision ID: 0107
Revises: 0105
"""

from alembic import op
import sqlalchemy as sa


revision = '0107'
down_revision = '0105'
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')
_ONCE_A_DAY = 'uq_one_to_ones_enrollment_id_held_on_by_id'


def upgrade() -> None:
    with op.batch_alter_table('one_to_ones', schema=None) as batch_op:
        batch_op.add_column(sa.Column('replaces_id', _BIG, nullable=True))
        batch_op.drop_constraint(batch_op.f(_ONCE_A_DAY), type_='unique')
        batch_op.create_unique_constraint(batch_op.f('uq_one_to_ones_replaces_id'), ['replaces_id'])
        batch_op.create_check_constraint(batch_op.f('ck_one_to_ones_replaces'), 'replaces_id is null or replaces_id < id')
        batch_op.create_foreign_key(
            batch_op.f('fk_one_to_ones_replaces_id'), 'one_to_ones', ['replaces_id'], ['id'], ondelete='RESTRICT'
        )
        batch_op.create_index('ix_one_to_ones_enrollment', ['enrollment_id', 'held_on', 'by_id'], unique=False)
    op.create_table('talks_taken_back',
    sa.Column('id', _BIG, nullable=False),
    sa.Column('talk_id', _BIG, nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('by_id', sa.Integer(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("reason <> ''", name=op.f('ck_talks_taken_back_reason')),
    sa.ForeignKeyConstraint(['by_id'], ['people.id'], name=op.f('fk_talks_taken_back_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['talk_id'], ['one_to_ones.id'], name=op.f('fk_talks_taken_back_talk_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_talks_taken_back')),
    sa.UniqueConstraint('talk_id', name=op.f('uq_talks_taken_back_talk_id'))
    )


def downgrade() -> None:
    # A talk that was taken back would count again: it goes with what took it back, but for what was noted of it.
    op.execute(
        "UPDATE learner_notes SET one_to_one_id = NULL "
        "WHERE one_to_one_id IN (SELECT talk_id FROM talks_taken_back)"
    )
    op.execute("UPDATE one_to_ones SET replaces_id = NULL")
    with op.batch_alter_table('talks_taken_back', schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f('fk_talks_taken_back_talk_id'), type_='foreignkey')
    op.execute("DELETE FROM one_to_ones WHERE id IN (SELECT talk_id FROM talks_taken_back)")
    op.drop_table('talks_taken_back')
    with op.batch_alter_table('one_to_ones', schema=None) as batch_op:
        batch_op.drop_index('ix_one_to_ones_enrollment')
        batch_op.drop_constraint(batch_op.f('fk_one_to_ones_replaces_id'), type_='foreignkey')
        batch_op.drop_constraint(batch_op.f('ck_one_to_ones_replaces'), type_='check')
        batch_op.drop_constraint(batch_op.f('uq_one_to_ones_replaces_id'), type_='unique')
        batch_op.drop_column('replaces_id')
        batch_op.create_unique_constraint(batch_op.f(_ONCE_A_DAY), ['enrollment_id', 'held_on', 'by_id'])
