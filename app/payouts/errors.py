"""How saving a bank account or paying out to it can be refused."""

from app.common.errors import Conflict, NotFound


class BankAccountNotFound(NotFound):
    code = "BANK_ACCOUNT_NOT_FOUND"
    message = "Bank account not found"


class BankAccountTaken(Conflict):
    code = "BANK_ACCOUNT_TAKEN"
    message = "You have saved this bank account already"


class TooManyBankAccounts(Conflict):
    code = "TOO_MANY_BANK_ACCOUNTS"
    message = "You have 10 bank accounts; delete one first"

    def __init__(self, *, most: int) -> None:
        super().__init__(f"You have {most} bank accounts; delete one first", details={"most": most})


class PayoutNotFound(NotFound):
    code = "PAYOUT_NOT_FOUND"
    message = "Payout not found"
