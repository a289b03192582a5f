"""Who made a cohort, a template or a campaign answers for it: named by the worker, so that the journal says so.

Revision ID: 0171
Revises: 0170
"""

from datetime import UTC, datetime

from alembic import op
import sqlalchemy as sa

from portal.core.codes import new_code


revision = '0171'
down_revision = '0170'
branch_labels = None
depends_on = None

EFFECT = 'accounts.name_makers:0171'
_WITHOUT = (
    'SELECT 1 FROM cohorts WHERE withdrawn_at IS NULL',
    'SELECT 1 FROM certificate_templates',
    'SELECT 1 FROM campaigns WHERE closed_at IS NULL',
)


def upgrade() -> None:
    connection = op.get_bind()
    if not any(connection.execute(sa.text(f'{each} LIMIT 1')).first() for each in _WITHOUT):
        return
    jobs = sa.table(
        'jobs',
        *(sa.column(name) for name in ('code', 'name', 'arguments', 'effect_key', 'state', 'attempts', 'done', 'total')),
        sa.column('created_at', sa.DateTime(timezone=True)),
        sa.column('run_after', sa.DateTime(timezone=True)),
    )
    now = datetime.now(UTC)
    # An owner is history, which the journal seals: a row written here would have no entry that vouches for it.
    connection.execute(
        jobs.insert().values(
            code=new_code(),
            name='accounts.name_makers',
            arguments='{}',
            effect_key=EFFECT,
            state='created',
            attempts=0,
            done=0,
            total=0,
            created_at=now,
            run_after=now,
        )
    )


def downgrade() -> None:
    op.get_bind().execute(sa.text('DELETE FROM jobs WHERE effect_key = :key').bindparams(key=EFFECT))
