"""The index of the search; `flask search rebuild`, or the worker's next round, fills it.

Revision ID: 0012
Revises: 0011
"""

from alembic import op
import sqlalchemy as sa


revision = '0012'
down_revision = '0011'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('search_entries',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=False, nullable=False),
    sa.Column('kind', sa.String(length=30), nullable=False),
    sa.Column('thing_id', sa.BigInteger(), nullable=False),
    sa.Column('address', sa.String(length=200), nullable=False),
    sa.Column('state', sa.String(length=20), nullable=False),
    sa.Column('version', sa.String(length=20), nullable=False),
    sa.Column('sensitivity', sa.String(length=2), nullable=False),
    sa.Column('rank', sa.Integer(), nullable=False),
    sa.Column('size', sa.Integer(), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('since', sa.DateTime(timezone=True), nullable=True),
    sa.Column('until', sa.DateTime(timezone=True), nullable=True),
    sa.Column('head_en', sa.Text(), nullable=False),
    sa.Column('head_ja', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_search_entries'))
    )
    with op.batch_alter_table('search_entries', schema=None) as batch_op:
        batch_op.create_index('ix_search_entries_kind_thing_id', ['kind', 'thing_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_search_entries_until'), ['until'], unique=False)

    op.create_table('search_texts',
    sa.Column('entry_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('language', sa.String(length=2), nullable=False),
    sa.Column('context', sa.Text(), nullable=False),
    sa.Column('head', sa.Text(), nullable=False),
    sa.Column('body', sa.Text(), nullable=False),
    sa.ForeignKeyConstraint(['entry_id'], ['search_entries.id'], name=op.f('fk_search_texts_entry_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('entry_id', 'language', name=op.f('pk_search_texts'))
    )
    # The words are another kind of table on each database.
    if op.get_context().dialect.name == 'sqlite':
        op.execute(
            "CREATE VIRTUAL TABLE search_entries_fts USING fts5(en, ja, content='', contentless_delete=1, tokenize='ascii')"
        )
    else:
        op.execute(
            "CREATE TABLE search_entries_fts (rowid bigint PRIMARY KEY REFERENCES search_entries (id) ON DELETE CASCADE,"
            " en tsvector NOT NULL, ja tsvector NOT NULL, told_en text NOT NULL, told_ja text NOT NULL)"
            " WITH (toast_tuple_target = 256)"
        )
        op.execute(
            "ALTER TABLE search_entries_fts ALTER en SET STORAGE EXTERNAL, ALTER ja SET STORAGE EXTERNAL,"
            " ALTER told_en SET STORAGE MAIN, ALTER told_ja SET STORAGE MAIN"
        )
        op.execute("CREATE INDEX ix_search_entries_fts_en ON search_entries_fts USING gin (en)")
        op.execute("CREATE INDEX ix_search_entries_fts_ja ON search_entries_fts USING gin (ja)")


def downgrade() -> None:
    op.execute("DROP TABLE search_entries_fts")
    op.drop_table('search_texts')
    with op.batch_alter_table('search_entries', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_search_entries_until'))
        batch_op.drop_index('ix_search_entries_kind_thing_id')

    op.drop_table('search_entries')
