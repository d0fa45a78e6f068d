"""How saving or using a bank account can fail."""

from app.common.errors import Conflict, NotFound


class BankAccountNotFound(NotFound):
    code = "BANK_ACCOUNT_NOT_FOUND"
    message = "Bank account not found"


class BankAccountTaken(Conflict):
    code = "BANK_ACCOUNT_TAKEN"
    message = "This bank account has already been saved"


class TooManyBankAccounts(Conflict):
    code = "TOO_MANY_BANK_ACCOUNTS"
    message = "At most 10 bank accounts can be saved; delete one first"

    def __init__(self, *, maximum: int) -> None:
        super().__init__(
            f"At most {maximum} bank accounts can be saved; delete one first",
            details={"most": maximum},
        )
