"""Why bank accounts are refused."""

from typing import Self

from app.common.errors import Conflict, NotFound


class BankAccountNotFound(NotFound):
    code = "BANK_ACCOUNT_NOT_FOUND"
    message = "Bank account not found"


class BankAccountTaken(Conflict):
    code = "BANK_ACCOUNT_TAKEN"
    message = "This bank account has already been saved"


class TooManyBankAccounts(Conflict):
    code = "TOO_MANY_BANK_ACCOUNTS"
    message = "Too many bank accounts; delete one first"

    def __init__(self, *, maximum: int) -> None:
        super().__init__(
            f"At most {maximum} bank accounts can be saved; delete one first",
            details={"most": maximum},
        )

    @classmethod
    def example(cls) -> Self:
        return cls(maximum=10)
