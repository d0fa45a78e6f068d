"""Why more is refused."""

from typing import Self

from app.auth.quotas.quota import Quota
from app.common.errors import Forbidden


class QuotaExceeded(Forbidden):
    """The user would have more than the quota allows. Nothing was created."""

    code = "QUOTA_EXCEEDED"
    message = "Quota exceeded"
    cacheable = False

    def __init__(self, quota: Quota, *, used: int, requested: int, maximum: int) -> None:
        super().__init__(
            f"You can have at most {maximum:,} {quota.noun} and have {used:,};"
            " delete or close some first",
            details={
                "quota": quota.value,
                "used": used,
                "requested": requested,
                "maximum": maximum,
            },
        )

    @classmethod
    def example(cls) -> Self:
        return cls(Quota.COUPONS, used=10_000, requested=1, maximum=10_000)
