"""Files of questions that wait to be looked at and taken in, and those that somebody asked for.

Revision ID: 0027
Revises: 0023
"""

from alembic import op
import sqlalchemy as sa


revision = '0027'
down_revision = '0023'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('question_exports',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('code', sa.String(length=20), nullable=False),
    sa.Column('bank_id', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('created_by_id', sa.Integer(), nullable=False),
    sa.Column('format', sa.String(length=20), nullable=False),
    sa.Column('language', sa.String(length=2), nullable=False),
    sa.Column('wanted', sa.Text(), nullable=False),
    sa.Column('made_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('data', sa.LargeBinary(), nullable=True),
    sa.Column('written', sa.Integer(), nullable=False),
    sa.Column('asked', sa.Integer(), nullable=False),
    sa.Column('losses', sa.Text(), nullable=False),
    sa.ForeignKeyConstraint(['bank_id'], ['question_banks.id'], name=op.f('fk_question_exports_bank_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['created_by_id'], ['people.id'], name=op.f('fk_question_exports_created_by_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_question_exports')),
    sa.UniqueConstraint('code', name=op.f('uq_question_exports_code'))
    )
    with op.batch_alter_table('question_exports', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_question_exports_bank_id'), ['bank_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_question_exports_created_at'), ['created_at'], unique=False)
        batch_op.create_index(batch_op.f('ix_question_exports_created_by_id'), ['created_by_id'], unique=False)

    op.create_table('question_imports',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('code', sa.String(length=20), nullable=False),
    sa.Column('bank_id', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('created_by_id', sa.Integer(), nullable=False),
    sa.Column('filename', sa.String(length=200), nullable=False),
    sa.Column('format', sa.String(length=20), nullable=False),
    sa.Column('language', sa.String(length=2), nullable=False),
    sa.Column('tags', sa.Text(), nullable=False),
    sa.Column('tags_categories', sa.Boolean(), nullable=False),
    sa.Column('data', sa.LargeBinary(), nullable=True),
    sa.Column('reading', sa.Integer(), nullable=False),
    sa.Column('read_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('losses', sa.Text(), nullable=False),
    sa.Column('taken_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('taken', sa.Integer(), nullable=True),
    sa.ForeignKeyConstraint(['bank_id'], ['question_banks.id'], name=op.f('fk_question_imports_bank_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['created_by_id'], ['people.id'], name=op.f('fk_question_imports_created_by_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_question_imports')),
    sa.UniqueConstraint('code', name=op.f('uq_question_imports_code'))
    )
    with op.batch_alter_table('question_imports', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_question_imports_bank_id'), ['bank_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_question_imports_created_at'), ['created_at'], unique=False)
        batch_op.create_index(batch_op.f('ix_question_imports_created_by_id'), ['created_by_id'], unique=False)

    op.create_table('question_import_rows',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('import_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('place', sa.Integer(), nullable=False),
    sa.Column('line', sa.Integer(), nullable=False),
    sa.Column('verdict', sa.Enum('taken', 'with_loss', 'refused', name='rowverdict', native_enum=False, create_constraint=True, length=30), nullable=False),
    sa.Column('type', sa.String(length=30), nullable=False),
    sa.Column('title', sa.Text(), nullable=False),
    sa.Column('slug', sa.String(length=60), nullable=False),
    sa.Column('content', sa.Text(), nullable=False),
    sa.Column('reasons', sa.Text(), nullable=False),
    sa.Column('fingerprint', sa.String(length=64), nullable=False),
    sa.Column('twin', sa.String(length=80), nullable=False),
    sa.Column('is_left_out', sa.Boolean(), nullable=False),
    sa.ForeignKeyConstraint(['import_id'], ['question_imports.id'], name=op.f('fk_question_import_rows_import_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_question_import_rows')),
    sa.UniqueConstraint('import_id', 'place', name='uq_question_import_rows_import_id_place')
    )


def downgrade() -> None:
    op.drop_table('question_import_rows')
    with op.batch_alter_table('question_imports', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_question_imports_created_by_id'))
        batch_op.drop_index(batch_op.f('ix_question_imports_created_at'))
        batch_op.drop_index(batch_op.f('ix_question_imports_bank_id'))

    op.drop_table('question_imports')
    with op.batch_alter_table('question_exports', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_question_exports_created_by_id'))
        batch_op.drop_index(batch_op.f('ix_question_exports_created_at'))
        batch_op.drop_index(batch_op.f('ix_question_exports_bank_id'))

    op.drop_table('question_exports')
