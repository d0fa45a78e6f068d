"""Errors of verifying email addresses and phone numbers."""

from app.auth.confusables import CONFUSABLE
from app.common.errors import BadRequest, Conflict


class VerificationInvalid(BadRequest):
    code = "VERIFICATION_INVALID"
    message = "This link is invalid, was used, or has expired; request another one"


class PhoneCodeInvalid(BadRequest):
    """Also if the number has a verified owner, which nobody is told."""

    code = "PHONE_CODE_INVALID"
    message = "The code is wrong or has expired; after a few wrong codes, request another one"
    #: The attempt counts.
    commits = True


class NothingToVerify(Conflict):
    code = "NOTHING_TO_VERIFY"
    message = "This account has no email address, or it is already verified"


class EmailConfusable(BadRequest):
    """An address of an account from before such ones were refused."""

    def __init__(self) -> None:
        super().__init__(details={"email": [CONFUSABLE]})
