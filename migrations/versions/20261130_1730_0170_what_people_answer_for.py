"""What people answer for: recurring tasks, cards, handovers, stand-ins, and who could stand in for whom.

Revision ID: 0170
Revises: 0147
"""

from alembic import op
import sqlalchemy as sa


revision = '0170'
down_revision = '0147'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('cards',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('code', sa.String(length=20), nullable=False),
    sa.Column('kind', sa.String(length=40), nullable=False),
    sa.Column('thing_code', sa.String(length=200), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('created_by', sa.String(length=40), nullable=False),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('ended_by', sa.String(length=40), nullable=True),
    sa.CheckConstraint('(ended_at is null) = (ended_by is null)', name=op.f('ck_cards_ended_by')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_cards')),
    sa.UniqueConstraint('code', name=op.f('uq_cards_code')),
    sa.UniqueConstraint('kind', 'thing_code', name=op.f('uq_cards_kind_thing_code'))
    )
    op.create_table('recurring_tasks',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('code', sa.String(length=20), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('created_by', sa.String(length=40), nullable=False),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('ended_by', sa.String(length=40), nullable=True),
    sa.Column('end_reason', sa.Text(), nullable=True),
    sa.CheckConstraint('(ended_at is null) = (end_reason is null)', name=op.f('ck_recurring_tasks_end_reason')),
    sa.CheckConstraint('(ended_at is null) = (ended_by is null)', name=op.f('ck_recurring_tasks_ended_by')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_recurring_tasks')),
    sa.UniqueConstraint('code', name=op.f('uq_recurring_tasks_code'))
    )
    op.create_table('thing_criticalities',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('kind', sa.String(length=40), nullable=False),
    sa.Column('thing_code', sa.String(length=200), nullable=False),
    sa.Column('criticality', sa.Enum('low', 'normal', 'high', 'critical', name='criticality', native_enum=False, create_constraint=True, length=30), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('set_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('set_by', sa.String(length=40), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_thing_criticalities'))
    )
    with op.batch_alter_table('thing_criticalities', schema=None) as batch_op:
        batch_op.create_index('ix_thing_criticalities_thing', ['kind', 'thing_code', 'id'], unique=False)

    op.create_table('recurring_task_terms',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('task_id', sa.Integer(), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('title', sa.Text(), nullable=False),
    sa.Column('market_id', sa.Integer(), nullable=False),
    sa.Column('team_id', sa.Integer(), nullable=True),
    sa.Column('rhythm', sa.Enum('every', 'weekly', 'monthly', name='rhythm', native_enum=False, create_constraint=True, length=30), nullable=False),
    sa.Column('every', sa.Integer(), nullable=False),
    sa.Column('weekday', sa.Integer(), nullable=True),
    sa.Column('when_off', sa.Enum('before', 'after', name='whenoff', native_enum=False, create_constraint=True, length=30), nullable=True),
    sa.Column('working_day', sa.Integer(), nullable=True),
    sa.Column('starts_on', sa.Date(), nullable=False),
    sa.Column('minutes', sa.Integer(), nullable=True),
    sa.Column('procedure_slug', sa.String(length=90), nullable=True),
    sa.Column('procedure_clause', sa.String(length=80), nullable=True),
    sa.Column('set_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('set_by', sa.String(length=40), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.CheckConstraint("(rhythm = 'monthly') = (working_day is not null)", name=op.f('ck_recurring_task_terms_working_day')),
    sa.CheckConstraint("(rhythm = 'weekly') = (weekday is not null)", name=op.f('ck_recurring_task_terms_weekday')),
    sa.CheckConstraint("(rhythm = 'weekly') = (when_off is not null)", name=op.f('ck_recurring_task_terms_when_off')),
    sa.CheckConstraint('every >= 1', name=op.f('ck_recurring_task_terms_every')),
    sa.CheckConstraint('minutes is null or minutes >= 1', name=op.f('ck_recurring_task_terms_minutes')),
    sa.CheckConstraint('number >= 1', name=op.f('ck_recurring_task_terms_number')),
    sa.CheckConstraint('weekday is null or (weekday between 0 and 6)', name=op.f('ck_recurring_task_terms_weekdays')),
    sa.ForeignKeyConstraint(['market_id'], ['markets.id'], name=op.f('fk_recurring_task_terms_market_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['task_id'], ['recurring_tasks.id'], name=op.f('fk_recurring_task_terms_task_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['team_id'], ['teams.id'], name=op.f('fk_recurring_task_terms_team_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_recurring_task_terms')),
    sa.UniqueConstraint('task_id', 'number', name=op.f('uq_recurring_task_terms_task_id_number'))
    )
    with op.batch_alter_table('recurring_task_terms', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_recurring_task_terms_market_id'), ['market_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_recurring_task_terms_team_id'), ['team_id'], unique=False)

    op.create_table('card_versions',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('card_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('title', sa.Text(), nullable=True),
    sa.Column('parts', sa.Text(), nullable=False),
    sa.Column('questions', sa.Text(), nullable=False),
    sa.Column('written_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('written_by_id', sa.Integer(), nullable=False),
    sa.CheckConstraint('number >= 1', name=op.f('ck_card_versions_number')),
    sa.ForeignKeyConstraint(['card_id'], ['cards.id'], name=op.f('fk_card_versions_card_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['written_by_id'], ['people.id'], name=op.f('fk_card_versions_written_by_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_card_versions')),
    sa.UniqueConstraint('card_id', 'number', name=op.f('uq_card_versions_card_id_number'))
    )
    with op.batch_alter_table('card_versions', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_card_versions_written_by_id'), ['written_by_id'], unique=False)

    op.create_table('handovers',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('code', sa.String(length=20), nullable=False),
    sa.Column('person_id', sa.Integer(), nullable=False),
    sa.Column('reason', sa.Enum('resignation', 'transfer', 'leave', 'rehearsal', name='reason', native_enum=False, create_constraint=True, length=30), nullable=False),
    sa.Column('market_id', sa.Integer(), nullable=False),
    sa.Column('notice_on', sa.Date(), nullable=False),
    sa.Column('begun_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('begun_by_id', sa.Integer(), nullable=False),
    sa.Column('closed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('closed_by_id', sa.Integer(), nullable=True),
    sa.Column('called_off_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('called_off_by_id', sa.Integer(), nullable=True),
    sa.Column('call_off_reason', sa.Text(), nullable=True),
    sa.CheckConstraint('(called_off_at is null) = (call_off_reason is null)', name=op.f('ck_handovers_call_off_reason')),
    sa.CheckConstraint('(called_off_at is null) = (called_off_by_id is null)', name=op.f('ck_handovers_called_off_by')),
    sa.CheckConstraint('(closed_at is null) = (closed_by_id is null)', name=op.f('ck_handovers_closed_by')),
    sa.CheckConstraint('closed_at is null or called_off_at is null', name=op.f('ck_handovers_one_end')),
    sa.ForeignKeyConstraint(['begun_by_id'], ['people.id'], name=op.f('fk_handovers_begun_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['called_off_by_id'], ['people.id'], name=op.f('fk_handovers_called_off_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['closed_by_id'], ['people.id'], name=op.f('fk_handovers_closed_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['market_id'], ['markets.id'], name=op.f('fk_handovers_market_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['person_id'], ['people.id'], name=op.f('fk_handovers_person_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_handovers')),
    sa.UniqueConstraint('code', name=op.f('uq_handovers_code'))
    )
    with op.batch_alter_table('handovers', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_handovers_person_id'), ['person_id'], unique=False)
        batch_op.create_index('uq_handovers_open', ['person_id'], unique=True, sqlite_where=sa.text('closed_at IS NULL AND called_off_at IS NULL'), postgresql_where=sa.text('closed_at IS NULL AND called_off_at IS NULL'))

    op.create_table('level_statements',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('kind', sa.String(length=40), nullable=False),
    sa.Column('thing_code', sa.String(length=200), nullable=False),
    sa.Column('person_id', sa.Integer(), nullable=False),
    sa.Column('level', sa.Integer(), nullable=False),
    sa.Column('seen_on', sa.Date(), nullable=False),
    sa.Column('words', sa.Text(), nullable=False),
    sa.Column('stated_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('stated_by_id', sa.Integer(), nullable=False),
    sa.CheckConstraint('level between 0 and 4', name=op.f('ck_level_statements_level')),
    sa.ForeignKeyConstraint(['person_id'], ['people.id'], name=op.f('fk_level_statements_person_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['stated_by_id'], ['people.id'], name=op.f('fk_level_statements_stated_by_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_level_statements'))
    )
    with op.batch_alter_table('level_statements', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_level_statements_person_id'), ['person_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_level_statements_stated_by_id'), ['stated_by_id'], unique=False)
        batch_op.create_index('ix_level_statements_thing', ['kind', 'thing_code', 'person_id', 'id'], unique=False)

    op.create_table('orphan_acceptances',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('person_id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.String(length=40), nullable=False),
    sa.Column('thing_code', sa.String(length=200), nullable=False),
    sa.Column('accepted_by_id', sa.Integer(), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('accepted_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('taken_back_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['accepted_by_id'], ['people.id'], name=op.f('fk_orphan_acceptances_accepted_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['person_id'], ['people.id'], name=op.f('fk_orphan_acceptances_person_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_orphan_acceptances'))
    )
    with op.batch_alter_table('orphan_acceptances', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_orphan_acceptances_accepted_by_id'), ['accepted_by_id'], unique=False)
        batch_op.create_index('uq_orphan_acceptances_standing', ['person_id', 'kind', 'thing_code', 'accepted_by_id'], unique=True, sqlite_where=sa.text('taken_back_at IS NULL'), postgresql_where=sa.text('taken_back_at IS NULL'))

    op.create_table('recurring_task_runs',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('code', sa.String(length=20), nullable=False),
    sa.Column('task_id', sa.Integer(), nullable=False),
    sa.Column('due_on', sa.Date(), nullable=False),
    sa.Column('outcome', sa.Enum('done', 'skipped', name='runoutcome', native_enum=False, create_constraint=True, length=30), nullable=False),
    sa.Column('how', sa.Enum('alone', 'with_help', name='runhow', native_enum=False, create_constraint=True, length=30), nullable=True),
    sa.Column('done_on', sa.Date(), nullable=True),
    sa.Column('person_id', sa.Integer(), nullable=True),
    sa.Column('helper_id', sa.Integer(), nullable=True),
    sa.Column('note', sa.Text(), nullable=False),
    sa.Column('recorded_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('recorded_by', sa.String(length=40), nullable=False),
    sa.Column('taken_back_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('taken_back_by', sa.String(length=40), nullable=True),
    sa.Column('taken_back_reason', sa.Text(), nullable=True),
    sa.CheckConstraint("(outcome = 'done') = (done_on is not null)", name=op.f('ck_recurring_task_runs_done_on')),
    sa.CheckConstraint("(outcome = 'done') = (how is not null)", name=op.f('ck_recurring_task_runs_how')),
    sa.CheckConstraint("(outcome = 'done') = (person_id is not null)", name=op.f('ck_recurring_task_runs_person')),
    sa.CheckConstraint("outcome = 'done' or note <> ''", name=op.f('ck_recurring_task_runs_why_skipped')),
    sa.CheckConstraint('(taken_back_at is null) = (taken_back_by is null)', name=op.f('ck_recurring_task_runs_taken_back_by')),
    sa.CheckConstraint('(taken_back_at is null) = (taken_back_reason is null)', name=op.f('ck_recurring_task_runs_taken_back_reason')),
    sa.ForeignKeyConstraint(['helper_id'], ['people.id'], name=op.f('fk_recurring_task_runs_helper_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['person_id'], ['people.id'], name=op.f('fk_recurring_task_runs_person_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['task_id'], ['recurring_tasks.id'], name=op.f('fk_recurring_task_runs_task_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_recurring_task_runs')),
    sa.UniqueConstraint('code', name=op.f('uq_recurring_task_runs_code'))
    )
    with op.batch_alter_table('recurring_task_runs', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_recurring_task_runs_helper_id'), ['helper_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_recurring_task_runs_person_id'), ['person_id'], unique=False)
        batch_op.create_index('uq_recurring_task_runs_standing', ['task_id', 'due_on'], unique=True, sqlite_where=sa.text('taken_back_at IS NULL'), postgresql_where=sa.text('taken_back_at IS NULL'))

    op.create_table('responsibilities',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('kind', sa.String(length=40), nullable=False),
    sa.Column('thing_code', sa.String(length=200), nullable=False),
    sa.Column('person_id', sa.Integer(), nullable=False),
    sa.Column('part', sa.Enum('responsible', 'consulted', 'informed', 'none', name='part', native_enum=False, create_constraint=True, length=30), nullable=False),
    sa.Column('set_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('set_by', sa.String(length=40), nullable=False),
    sa.ForeignKeyConstraint(['person_id'], ['people.id'], name=op.f('fk_responsibilities_person_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_responsibilities'))
    )
    with op.batch_alter_table('responsibilities', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_responsibilities_person_id'), ['person_id'], unique=False)
        batch_op.create_index('ix_responsibilities_thing', ['kind', 'thing_code', 'person_id', 'id'], unique=False)

    op.create_table('stand_ins',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('code', sa.String(length=20), nullable=False),
    sa.Column('person_id', sa.Integer(), nullable=False),
    sa.Column('stand_in_id', sa.Integer(), nullable=False),
    sa.Column('first_on', sa.Date(), nullable=False),
    sa.Column('last_on', sa.Date(), nullable=False),
    sa.Column('ongoing', sa.Text(), nullable=False),
    sa.Column('places', sa.Text(), nullable=False),
    sa.Column('trouble', sa.Text(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('created_by', sa.String(length=40), nullable=False),
    sa.Column('begun_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('ended_by', sa.String(length=40), nullable=True),
    sa.CheckConstraint('(ended_at is null) = (ended_by is null)', name=op.f('ck_stand_ins_ended_by')),
    sa.CheckConstraint('first_on <= last_on', name=op.f('ck_stand_ins_days')),
    sa.ForeignKeyConstraint(['person_id'], ['people.id'], name=op.f('fk_stand_ins_person_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['stand_in_id'], ['people.id'], name=op.f('fk_stand_ins_stand_in_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_stand_ins')),
    sa.UniqueConstraint('code', name=op.f('uq_stand_ins_code'))
    )
    with op.batch_alter_table('stand_ins', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_stand_ins_person_id'), ['person_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_stand_ins_stand_in_id'), ['stand_in_id'], unique=False)

    op.create_table('card_checks',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('version_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('checked_on', sa.Date(), nullable=False),
    sa.Column('checked_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('checked_by_id', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['checked_by_id'], ['people.id'], name=op.f('fk_card_checks_checked_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['version_id'], ['card_versions.id'], name=op.f('fk_card_checks_version_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_card_checks'))
    )
    with op.batch_alter_table('card_checks', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_card_checks_checked_by_id'), ['checked_by_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_card_checks_version_id'), ['version_id'], unique=False)

    op.create_table('handover_days',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('handover_id', sa.Integer(), nullable=False),
    sa.Column('last_on', sa.Date(), nullable=False),
    sa.Column('back_on', sa.Date(), nullable=True),
    sa.Column('set_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('set_by', sa.String(length=40), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.CheckConstraint('back_on is null or back_on > last_on', name=op.f('ck_handover_days_back_on')),
    sa.ForeignKeyConstraint(['handover_id'], ['handovers.id'], name=op.f('fk_handover_days_handover_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_handover_days'))
    )
    with op.batch_alter_table('handover_days', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_handover_days_handover_id'), ['handover_id'], unique=False)

    op.create_table('handover_items',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('code', sa.String(length=20), nullable=False),
    sa.Column('handover_id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.String(length=40), nullable=False),
    sa.Column('thing_code', sa.String(length=200), nullable=False),
    sa.Column('title', sa.String(length=400), nullable=False),
    sa.Column('criticality', sa.Enum('low', 'normal', 'high', 'critical', name='criticality', native_enum=False, create_constraint=True, length=30), nullable=False),
    sa.Column('is_single_point', sa.Boolean(), nullable=False),
    sa.Column('found_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('gone_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('gone_as', sa.Enum('not_live', 'owned_by_another', name='goneas', native_enum=False, create_constraint=True, length=30), nullable=True),
    sa.CheckConstraint('(gone_at is null) = (gone_as is null)', name=op.f('ck_handover_items_gone_as')),
    sa.ForeignKeyConstraint(['handover_id'], ['handovers.id'], name=op.f('fk_handover_items_handover_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_handover_items')),
    sa.UniqueConstraint('code', name=op.f('uq_handover_items_code')),
    sa.UniqueConstraint('handover_id', 'kind', 'thing_code', name=op.f('uq_handover_items_handover_id_kind_thing_code'))
    )
    with op.batch_alter_table('handover_items', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_handover_items_handover_id'), ['handover_id'], unique=False)

    op.create_table('stand_in_things',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('stand_in_id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.String(length=40), nullable=False),
    sa.Column('thing_code', sa.String(length=200), nullable=False),
    sa.Column('deputy_id', sa.Integer(), nullable=True),
    sa.ForeignKeyConstraint(['deputy_id'], ['people.id'], name=op.f('fk_stand_in_things_deputy_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['stand_in_id'], ['stand_ins.id'], name=op.f('fk_stand_in_things_stand_in_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_stand_in_things')),
    sa.UniqueConstraint('stand_in_id', 'kind', 'thing_code', name=op.f('uq_stand_in_things_stand_in_id_kind_thing_code'))
    )
    op.create_table('handover_decisions',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('item_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('successor_id', sa.Integer(), nullable=False),
    sa.Column('decision', sa.Enum('accepted', 'refused', name='decision', native_enum=False, create_constraint=True, length=30), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('card_version_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('decided_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("decision = 'accepted' or reason <> ''", name=op.f('ck_handover_decisions_reason')),
    sa.ForeignKeyConstraint(['card_version_id'], ['card_versions.id'], name=op.f('fk_handover_decisions_card_version_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['item_id'], ['handover_items.id'], name=op.f('fk_handover_decisions_item_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['successor_id'], ['people.id'], name=op.f('fk_handover_decisions_successor_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_handover_decisions'))
    )
    with op.batch_alter_table('handover_decisions', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_handover_decisions_card_version_id'), ['card_version_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_handover_decisions_item_id'), ['item_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_handover_decisions_successor_id'), ['successor_id'], unique=False)

    op.create_table('handover_evidence',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('code', sa.String(length=20), nullable=False),
    sa.Column('item_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('successor_id', sa.Integer(), nullable=False),
    sa.Column('stage', sa.Enum('shadow', 'reverse_shadow', 'alone', name='stage', native_enum=False, create_constraint=True, length=30), nullable=False),
    sa.Column('done_on', sa.Date(), nullable=True),
    sa.Column('words', sa.Text(), nullable=False),
    sa.Column('link', sa.String(length=500), nullable=False),
    sa.Column('recorded_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('waived_by', sa.String(length=40), nullable=True),
    sa.Column('taken_back_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('taken_back_by', sa.String(length=40), nullable=True),
    sa.CheckConstraint("stage <> 'alone' or waived_by is null", name=op.f('ck_handover_evidence_alone_is_never_waived')),
    sa.CheckConstraint('(taken_back_at is null) = (taken_back_by is null)', name=op.f('ck_handover_evidence_taken_back_by')),
    sa.CheckConstraint('(waived_by is null) = (done_on is not null)', name=op.f('ck_handover_evidence_done_on')),
    sa.ForeignKeyConstraint(['item_id'], ['handover_items.id'], name=op.f('fk_handover_evidence_item_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['successor_id'], ['people.id'], name=op.f('fk_handover_evidence_successor_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_handover_evidence')),
    sa.UniqueConstraint('code', name=op.f('uq_handover_evidence_code'))
    )
    with op.batch_alter_table('handover_evidence', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_handover_evidence_item_id'), ['item_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_handover_evidence_successor_id'), ['successor_id'], unique=False)

    op.create_table('handover_successors',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('item_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('successor_id', sa.Integer(), nullable=True),
    sa.Column('set_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('set_by', sa.String(length=40), nullable=False),
    sa.ForeignKeyConstraint(['item_id'], ['handover_items.id'], name=op.f('fk_handover_successors_item_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['successor_id'], ['people.id'], name=op.f('fk_handover_successors_successor_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_handover_successors'))
    )
    with op.batch_alter_table('handover_successors', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_handover_successors_item_id'), ['item_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_handover_successors_successor_id'), ['successor_id'], unique=False)

    with op.batch_alter_table('ownerships', schema=None) as batch_op:
        batch_op.add_column(sa.Column('team_id', sa.Integer(), nullable=True))
        batch_op.create_index(batch_op.f('ix_ownerships_team_id'), ['team_id'], unique=False)
        batch_op.create_foreign_key(batch_op.f('fk_ownerships_team_id'), 'teams', ['team_id'], ['id'], ondelete='RESTRICT')



def downgrade() -> None:
    with op.batch_alter_table('ownerships', schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f('fk_ownerships_team_id'), type_='foreignkey')
        batch_op.drop_index(batch_op.f('ix_ownerships_team_id'))
        batch_op.drop_column('team_id')

    with op.batch_alter_table('handover_successors', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_handover_successors_successor_id'))
        batch_op.drop_index(batch_op.f('ix_handover_successors_item_id'))

    op.drop_table('handover_successors')
    with op.batch_alter_table('handover_evidence', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_handover_evidence_successor_id'))
        batch_op.drop_index(batch_op.f('ix_handover_evidence_item_id'))

    op.drop_table('handover_evidence')
    with op.batch_alter_table('handover_decisions', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_handover_decisions_successor_id'))
        batch_op.drop_index(batch_op.f('ix_handover_decisions_item_id'))
        batch_op.drop_index(batch_op.f('ix_handover_decisions_card_version_id'))

    op.drop_table('handover_decisions')
    op.drop_table('stand_in_things')
    with op.batch_alter_table('handover_items', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_handover_items_handover_id'))

    op.drop_table('handover_items')
    with op.batch_alter_table('handover_days', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_handover_days_handover_id'))

    op.drop_table('handover_days')
    with op.batch_alter_table('card_checks', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_card_checks_version_id'))
        batch_op.drop_index(batch_op.f('ix_card_checks_checked_by_id'))

    op.drop_table('card_checks')
    with op.batch_alter_table('stand_ins', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_stand_ins_stand_in_id'))
        batch_op.drop_index(batch_op.f('ix_stand_ins_person_id'))

    op.drop_table('stand_ins')
    with op.batch_alter_table('responsibilities', schema=None) as batch_op:
        batch_op.drop_index('ix_responsibilities_thing')
        batch_op.drop_index(batch_op.f('ix_responsibilities_person_id'))

    op.drop_table('responsibilities')
    with op.batch_alter_table('recurring_task_runs', schema=None) as batch_op:
        batch_op.drop_index('uq_recurring_task_runs_standing', sqlite_where=sa.text('taken_back_at IS NULL'), postgresql_where=sa.text('taken_back_at IS NULL'))
        batch_op.drop_index(batch_op.f('ix_recurring_task_runs_person_id'))
        batch_op.drop_index(batch_op.f('ix_recurring_task_runs_helper_id'))

    op.drop_table('recurring_task_runs')
    with op.batch_alter_table('orphan_acceptances', schema=None) as batch_op:
        batch_op.drop_index('uq_orphan_acceptances_standing', sqlite_where=sa.text('taken_back_at IS NULL'), postgresql_where=sa.text('taken_back_at IS NULL'))
        batch_op.drop_index(batch_op.f('ix_orphan_acceptances_accepted_by_id'))

    op.drop_table('orphan_acceptances')
    with op.batch_alter_table('level_statements', schema=None) as batch_op:
        batch_op.drop_index('ix_level_statements_thing')
        batch_op.drop_index(batch_op.f('ix_level_statements_stated_by_id'))
        batch_op.drop_index(batch_op.f('ix_level_statements_person_id'))

    op.drop_table('level_statements')
    with op.batch_alter_table('handovers', schema=None) as batch_op:
        batch_op.drop_index('uq_handovers_open', sqlite_where=sa.text('closed_at IS NULL AND called_off_at IS NULL'), postgresql_where=sa.text('closed_at IS NULL AND called_off_at IS NULL'))
        batch_op.drop_index(batch_op.f('ix_handovers_person_id'))

    op.drop_table('handovers')
    with op.batch_alter_table('card_versions', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_card_versions_written_by_id'))

    op.drop_table('card_versions')
    with op.batch_alter_table('recurring_task_terms', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_recurring_task_terms_team_id'))
        batch_op.drop_index(batch_op.f('ix_recurring_task_terms_market_id'))

    op.drop_table('recurring_task_terms')
    with op.batch_alter_table('thing_criticalities', schema=None) as batch_op:
        batch_op.drop_index('ix_thing_criticalities_thing')

    op.drop_table('thing_criticalities')
    op.drop_table('recurring_tasks')
    op.drop_table('cards')
