"""When certificates can be renewed, what renews and supersedes a credential, and the cycles of its holders.

Revision ID: 0116
Revises: 0112
"""

from alembic import op
import sqlalchemy as sa


revision = '0116'
down_revision = '0112'
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')


def upgrade() -> None:
    # NULL for what there is: facts that are NULL are left out of the digest, so that its seals hold.
    with op.batch_alter_table('credential_versions', schema=None) as batch_op:
        batch_op.add_column(sa.Column('renewal_window_days', sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column('grace_days', sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column('renewal_plan_slug', sa.String(length=60), nullable=True))
        batch_op.add_column(sa.Column('superseded_by_slug', sa.String(length=60), nullable=True))
        batch_op.create_check_constraint(op.f('ck_credential_versions_renewal_window_days'), 'renewal_window_days is null or renewal_window_days > 0')
        batch_op.create_check_constraint(op.f('ck_credential_versions_grace_days'), 'grace_days is null or grace_days > 0')
    with op.batch_alter_table('certificates', schema=None) as batch_op:
        batch_op.add_column(sa.Column('cycle_no', sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column('renews_id', _BIG, nullable=True))
        batch_op.create_foreign_key(op.f('fk_certificates_renews_id'), 'certificates', ['renews_id'], ['id'], ondelete='RESTRICT')
        batch_op.create_unique_constraint('uq_certificates_cycle', ['credential_id', 'person_id', 'cycle_no', 'issue_no'])
        batch_op.create_check_constraint(op.f('ck_certificates_cycle_no'), 'cycle_no is null or cycle_no >= 1')
        batch_op.create_check_constraint(op.f('ck_certificates_renews'), 'renews_id is null or cycle_no >= 2')
        batch_op.create_index(batch_op.f('ix_certificates_renews_id'), ['renews_id'], unique=False)


def downgrade() -> None:
    with op.batch_alter_table('certificates', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_certificates_renews_id'))
        batch_op.drop_constraint(op.f('ck_certificates_renews'), type_='check')
        batch_op.drop_constraint(op.f('ck_certificates_cycle_no'), type_='check')
        batch_op.drop_constraint('uq_certificates_cycle', type_='unique')
        batch_op.drop_constraint(op.f('fk_certificates_renews_id'), type_='foreignkey')
        batch_op.drop_column('renews_id')
        batch_op.drop_column('cycle_no')
    with op.batch_alter_table('credential_versions', schema=None) as batch_op:
        batch_op.drop_constraint(op.f('ck_credential_versions_grace_days'), type_='check')
        batch_op.drop_constraint(op.f('ck_credential_versions_renewal_window_days'), type_='check')
        batch_op.drop_column('superseded_by_slug')
        batch_op.drop_column('renewal_plan_slug')
        batch_op.drop_column('grace_days')
        batch_op.drop_column('renewal_window_days')
