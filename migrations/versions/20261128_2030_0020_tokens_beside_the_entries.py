"""The search finds other forms of words; on PostgreSQL its tokens stand in the row of their entry.

The worker makes the index anew; until then most is found all the same.

Revision ID: 0020
Revises: 0022
"""

from alembic import op
import sqlalchemy as sa


revision = '0020'
down_revision = '0022'
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table('search_entries', schema=None) as batch_op:
        batch_op.add_column(sa.Column('forms_en', sa.Text(), nullable=False, server_default=''))
        batch_op.add_column(sa.Column('forms_ja', sa.Text(), nullable=False, server_default=''))
    if op.get_context().dialect.name != 'postgresql':
        return
    op.execute("DROP INDEX ix_search_entries_fts_en")
    op.execute("DROP INDEX ix_search_entries_fts_ja")
    op.execute("ALTER TABLE search_entries ADD search_entries_fts_en tsvector, ADD search_entries_fts_ja tsvector")
    op.execute(
        "ALTER TABLE search_entries ALTER search_entries_fts_en SET STORAGE EXTERNAL,"
        " ALTER search_entries_fts_ja SET STORAGE EXTERNAL, SET (toast_tuple_target = 128)"
    )
    op.execute(
        "UPDATE search_entries SET search_entries_fts_en = words.en, search_entries_fts_ja = words.ja"
        " FROM search_entries_fts AS words WHERE words.rowid = search_entries.id"
    )
    # An entry without words would be found by nothing; the doctor speaks of it.
    op.execute(
        "UPDATE search_entries SET search_entries_fts_en = '', search_entries_fts_ja = ''"
        " WHERE search_entries_fts_en IS NULL"
    )
    op.execute(
        "ALTER TABLE search_entries ALTER search_entries_fts_en SET NOT NULL, ALTER search_entries_fts_ja SET NOT NULL"
    )
    op.execute(
        "ALTER TABLE search_entries_fts DROP en, DROP ja, RESET (toast_tuple_target),"
        " ADD short_en text NOT NULL DEFAULT '', ADD short_ja text NOT NULL DEFAULT ''"
    )
    op.execute(
        "ALTER TABLE search_entries_fts ALTER short_en DROP DEFAULT, ALTER short_ja DROP DEFAULT,"
        " ALTER short_en SET STORAGE MAIN, ALTER short_ja SET STORAGE MAIN"
    )
    op.execute("CREATE INDEX search_entries_fts_ix_en ON search_entries USING gin (search_entries_fts_en)")
    op.execute("CREATE INDEX search_entries_fts_ix_ja ON search_entries USING gin (search_entries_fts_ja)")


def downgrade() -> None:
    if op.get_context().dialect.name == 'postgresql':
        _put_back()
    with op.batch_alter_table('search_entries', schema=None) as batch_op:
        batch_op.drop_column('forms_ja')
        batch_op.drop_column('forms_en')


def _put_back() -> None:
    op.execute("DROP INDEX search_entries_fts_ix_en")
    op.execute("DROP INDEX search_entries_fts_ix_ja")
    op.execute("ALTER TABLE search_entries_fts DROP short_en, DROP short_ja, ADD en tsvector, ADD ja tsvector")
    op.execute(
        "ALTER TABLE search_entries_fts ALTER en SET STORAGE EXTERNAL, ALTER ja SET STORAGE EXTERNAL,"
        " SET (toast_tuple_target = 256)"
    )
    op.execute(
        "UPDATE search_entries_fts SET en = entries.search_entries_fts_en, ja = entries.search_entries_fts_ja"
        " FROM search_entries AS entries WHERE entries.id = search_entries_fts.rowid"
    )
    op.execute("ALTER TABLE search_entries_fts ALTER en SET NOT NULL, ALTER ja SET NOT NULL")
    op.execute("ALTER TABLE search_entries DROP search_entries_fts_en, DROP search_entries_fts_ja")
    op.execute("ALTER TABLE search_entries RESET (toast_tuple_target)")
    op.execute("CREATE INDEX ix_search_entries_fts_en ON search_entries_fts USING gin (en)")
    op.execute("CREATE INDEX ix_search_entries_fts_ja ON search_entries_fts USING gin (ja)")
