"""Constraints of the tables whose rows are goods of one unit: codes and licences."""

from sqlalchemy import CheckConstraint


def revocation_constraints() -> tuple[CheckConstraint, ...]:
    """Of the columns revoked_at, revocation_reason, is_withdrawn and replaced_by."""
    return (
        CheckConstraint(
            "revocation_reason IS NULL OR revoked_at IS NOT NULL", name="reason_of_revocation"
        ),
        CheckConstraint(
            "NOT is_withdrawn OR revocation_reason IS NOT NULL AND replaced_by IS NULL",
            name="withdrawn_is_revoked",
        ),
        CheckConstraint(
            "replaced_by IS NULL OR revocation_reason IS NOT NULL", name="replaced_is_revoked"
        ),
    )
