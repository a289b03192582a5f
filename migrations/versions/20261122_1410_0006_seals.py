"""Seals: every row of history is covered by the journal, every line of an attempt's history by the one before.

Revision ID: 0006
Revises: 0005
"""

import json
from datetime import UTC, date, datetime
from hashlib import sha256
from itertools import groupby

from alembic import context, op
from alembic.util import CommandError
import sqlalchemy as sa


revision = '0006'
down_revision = '0005'
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')
GENESIS = '0' * 64
# Table → the column by which its rows are sealed together, and the columns that are no facts.
SEALED = {
    'accommodations': (None, ()),
    'acknowledgements': (None, ()),
    'attempts': (None, ('writer', 'writer_seen_at')),
    'certificate_facts': (None, ()),
    'certificate_files': (None, ('content',)),
    'certificates': (None, ()),
    'clause_texts': (None, ()),
    'clauses': (None, ()),
    'cohort_members': (None, ()),
    'company_days': (None, ()),
    'credential_versions': (None, ()),
    'document_audiences': (None, ()),
    'document_versions': (None, ()),
    'enrollments': (None, ()),
    'holiday_tables': (None, ()),
    'holidays': ('table_id', ()),
    'item_marks': ('marking_id', ()),
    'items': ('attempt_id', ()),
    'leaves': (None, ()),
    'markings': (None, ()),
    'ownerships': (None, ()),
    'plan_phases': (None, ()),
    'plan_steps': (None, ()),
    'plan_versions': (None, ()),
    'question_citations': ('question_version_id', ()),
    'question_versions': (None, ()),
    'quiz_versions': (None, ()),
    'reading_confirmations': (None, ()),
    'revocation_requests': (None, ()),
    'role_grants': (None, ()),
    'score_entries': (None, ()),
    'sign_offs': (None, ()),
    'step_completions': (None, ()),
    'step_extensions': (None, ()),
    'version_texts': (None, ('shown_at',)),
}


def upgrade() -> None:
    op.create_table('journal_heads',
    sa.Column('id', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('entries', KEY, nullable=False),
    sa.Column('hash', sa.String(length=64), nullable=False),
    sa.CheckConstraint('id = 1', name=op.f('ck_journal_heads_single')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_journal_heads'))
    )
    op.create_table('seals',
    sa.Column('kind', sa.String(length=40), nullable=False),
    sa.Column('row_key', KEY, autoincrement=False, nullable=False),
    sa.Column('entry_id', KEY, autoincrement=False, nullable=False),
    sa.Column('digest', sa.String(length=64), nullable=False),
    sa.ForeignKeyConstraint(['entry_id'], ['journal_entries.id'], name=op.f('fk_seals_entry_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('kind', 'row_key', 'entry_id', name=op.f('pk_seals'))
    )
    op.create_index('ix_seals_entry_id', 'seals', ['entry_id'])
    op.add_column('journal_entries', sa.Column('sealed', sa.String(length=64), nullable=True))
    op.add_column('attempts', sa.Column('history_length', sa.Integer(), nullable=True))
    op.add_column('attempts', sa.Column('history_hash', sa.String(length=64), nullable=True))
    op.add_column('attempt_events', sa.Column('number', sa.Integer(), nullable=False, server_default='0'))
    op.add_column('attempt_events', sa.Column('chain', sa.String(length=64), nullable=False, server_default=''))
    connection = op.get_bind()
    _chain_histories(connection)
    op.drop_index('ix_attempt_events_attempt_id', table_name='attempt_events')
    op.create_index('uq_attempt_events_attempt_id_number', 'attempt_events', ['attempt_id', 'number'], unique=True)
    _seal(connection)


def downgrade() -> None:
    sealed = op.get_bind().execute(sa.text('SELECT count(*) FROM journal_entries WHERE sealed IS NOT NULL')).scalar()
    if sealed and context.get_x_argument(as_dictionary=True).get('forget-seals') != 'yes':
        raise CommandError(
            f'{sealed} entries of the journal hold seals; without them the journal stays broken for ever. '
            'To go back, restore a backup; for a database that is thrown away add: -x forget-seals=yes'
        )
    op.drop_index('uq_attempt_events_attempt_id_number', table_name='attempt_events')
    op.create_index('ix_attempt_events_attempt_id', 'attempt_events', ['attempt_id'])
    op.drop_column('attempt_events', 'chain')
    op.drop_column('attempt_events', 'number')
    op.drop_column('attempts', 'history_hash')
    op.drop_column('attempts', 'history_length')
    op.drop_column('journal_entries', 'sealed')
    op.drop_table('seals')
    op.drop_table('journal_heads')


# What follows computes as the product does at this revision, without importing it: later ones may differ.


def _canonical(value):
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(',', ':'))


def _sha256(value):
    return sha256(_canonical(value).encode()).hexdigest()


def _instant(value):
    return (value if value.tzinfo else value.replace(tzinfo=UTC)).astimezone(UTC).isoformat()


def _table(connection, name):
    return sa.Table(name, sa.MetaData(), autoload_with=connection, resolve_fks=False)


def _chain_histories(connection):
    events, attempts = _table(connection, 'attempt_events'), _table(connection, 'attempts')
    states = dict(connection.execute(sa.select(attempts.c.id, attempts.c.state)).all())
    rows = connection.execute(sa.select(events).order_by(events.c.attempt_id, events.c.id)).mappings().all()
    names = ('attempt_id', 'number', 'kind', 'by', 'position', 'seq', 'hash', 'idem_key', 'reason')
    numbered, ends = [], []
    for attempt_id, history in groupby(rows, lambda row: row['attempt_id']):
        chain, number = GENESIS, 0
        for number, row in enumerate(history, start=1):
            values = {**row, 'number': number}
            facts = {name: values[name] for name in names if values[name] is not None}
            if row['details'] is not None:
                facts['details'] = json.loads(row['details'])
            facts['at'] = _instant(row['at'])
            chain = _sha256([chain, facts])
            numbered.append({'row': row['id'], 'new_number': number, 'new_chain': chain})
        if states[attempt_id] != 'in_progress':
            ends.append({'row': attempt_id, 'length': number, 'end': chain})
    if numbered:
        connection.execute(
            events.update()
            .where(events.c.id == sa.bindparam('row'))
            .values(number=sa.bindparam('new_number'), chain=sa.bindparam('new_chain')),
            numbered,
        )
    if ends:
        connection.execute(
            attempts.update()
            .where(attempts.c.id == sa.bindparam('row'))
            .values(history_length=sa.bindparam('length'), history_hash=sa.bindparam('end')),
            ends,
        )


def _plain(value):
    if isinstance(value, datetime):
        return _instant(value)
    return value.isoformat() if isinstance(value, date) else value


def _seal(connection):
    """Seal what is there as it stands, in an entry that says so."""
    seals = []
    for name, (per, besides) in sorted(SEALED.items()):
        table = _table(connection, name)
        columns = [column for column in table.columns if column.name not in besides]
        key = table.c[per] if per else next(iter(table.primary_key.columns))
        order = dict.fromkeys([key, *table.primary_key.columns])
        rows = connection.execute(sa.select(*columns).order_by(*order)).mappings()
        for number, together in groupby(rows, lambda row: row[key.name]):
            facts = [
                {column: _plain(value) for column, value in row.items() if value is not None} for row in together
            ]
            seals.append((name, number, _sha256(facts)))
    entries = _table(connection, 'journal_entries')
    last = connection.execute(
        sa.select(entries.c.id, entries.c.hash).order_by(entries.c.id.desc()).limit(1)
    ).one_or_none()
    number, previous = (last.id, last.hash) if last else (0, GENESIS)
    if seals:
        number += 1
        entry = {
            'id': number,
            'at': datetime.now(UTC),
            'actor_code': 'system',
            'actor_name': 'system',
            'action': 'journal.sealing_began',
            'subject_kind': 'journal',
            'subject_code': '',
            'after': _canonical({'rows': len(seals)}),
            'previous_hash': previous,
            'sealed': _sha256([list(seal) for seal in seals]),
        }
        previous = entry['hash'] = _sha256(
            {
                'id': number,
                'at': entry['at'].isoformat(),
                'actor': ['system', 'system'],
                'action': entry['action'],
                'subject': ['journal', ''],
                'before': None,
                'after': {'rows': len(seals)},
                'reason': None,
                'previous': entry['previous_hash'],
                'sealed': entry['sealed'],
            }
        )
        if connection.dialect.name == 'sqlite':
            entry['at'] = entry['at'].replace(tzinfo=None)
        connection.execute(entries.insert().values(**entry))
        table = _table(connection, 'seals')
        connection.execute(
            table.insert(),
            [{'kind': kind, 'row_key': key, 'entry_id': number, 'digest': digest} for kind, key, digest in seals],
        )
    if number:
        heads = _table(connection, 'journal_heads')
        connection.execute(heads.insert().values(id=1, entries=number, hash=previous))
