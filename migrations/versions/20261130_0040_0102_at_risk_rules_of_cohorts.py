"""At-risk rules that hold for one cohort, and why a rule was set.

Revision ID: 0102
Revises: 0124
"""

from alembic import op
import sqlalchemy as sa


revision = "0102"
down_revision = "0124"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("at_risk_rules", schema=None) as batch_op:
        batch_op.add_column(sa.Column("reason", sa.Text(), nullable=True))
    op.create_table(
        "cohort_risk_rules",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("cohort_id", sa.Integer(), nullable=False),
        sa.Column("overdue_steps", sa.Integer(), nullable=True),
        sa.Column("failed_tries", sa.Integer(), nullable=True),
        sa.Column("idle_days", sa.Integer(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("by_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "coalesce(overdue_steps, 1) >= 1 and coalesce(failed_tries, 1) >= 1 and coalesce(idle_days, 1) >= 1",
            name=op.f("ck_cohort_risk_rules_from_one"),
        ),
        sa.CheckConstraint(
            "(coalesce(overdue_steps, failed_tries, idle_days) is null) = (reason is null)",
            name=op.f("ck_cohort_risk_rules_reason"),
        ),
        sa.ForeignKeyConstraint(["by_id"], ["people.id"], name=op.f("fk_cohort_risk_rules_by_id"), ondelete="RESTRICT"),
        sa.ForeignKeyConstraint(
            ["cohort_id"], ["cohorts.id"], name=op.f("fk_cohort_risk_rules_cohort_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cohort_risk_rules")),
    )
    with op.batch_alter_table("cohort_risk_rules", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_cohort_risk_rules_cohort_id"), ["cohort_id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("cohort_risk_rules", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_cohort_risk_rules_cohort_id"))
    op.drop_table("cohort_risk_rules")
    with op.batch_alter_table("at_risk_rules", schema=None) as batch_op:
        batch_op.drop_column("reason")
