"""demo accounts are marked.

Revision ID: 0003
Revises: 0002
"""

from alembic import op
import sqlalchemy as sa


revision = '0003'
down_revision = '0002'
branch_labels = None
depends_on = None

# Everybody whom the demo organisation ever held, up to now.
DEMO = tuple(
    f"{name}@hibiki.example"
    for name in (
        "yui.takahashi", "daniel.okafor", "sasaki.takumi", "sato.ken", "kobayashi.mei", "yamada.hiroko",
        "mori.akiko", "ito.jun", "grace.muller", "kimura.nao", "samuel.lindqvist", "rosa.delgado",
        "abe.sho", "chen.xiaoyu", "emma.larsen", "fujii.aoi", "hamasaki.ryo", "kim.minseo", "nakagawa.rin",
        "watanabe.sota", "yoshida.kaho",
    )
)  # fmt: skip


def upgrade() -> None:
    op.add_column('people', sa.Column('demo_since', sa.DateTime(timezone=True), nullable=True))
    people = sa.table('people', sa.column('sign_in_name'), sa.column('created_at'), sa.column('demo_since'))
    op.execute(people.update().where(people.c.sign_in_name.in_(DEMO)).values(demo_since=people.c.created_at))


def downgrade() -> None:
    with op.batch_alter_table('people') as batch:
        batch.drop_column('demo_since')
