"""Who lives in the demo: an operator and the buyers. The merchants come with their shops."""

from dataclasses import dataclass
from typing import Final

#: Nobody reads mail there: example.com is reserved (RFC 2606), so nothing ever reaches a stranger.
DOMAIN: Final = "demo.example.com"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with an account. mailbox: the part of the email before the @."""

    mailbox: str
    first_name: str
    last_name: str

    @property
    def email(self) -> str:
        return f"{self.mailbox}@{DOMAIN}"


ADMIN: Final = Person("admin", "Noor", "Haddad")

BUYERS: Final = (
    Person("ada", "Ada", "Lindqvist"),
    Person("kwame", "Kwame", "Boateng"),
    Person("sofia", "Sofía", "Herrera"),
    Person("yuki", "Yuki", "Tanabe"),
    Person("priya", "Priya", "Raghavan"),
    Person("mateus", "Mateus", "Carvalho"),
    Person("leila", "Leila", "Mansour"),
    Person("oskar", "Oskar", "Wiśniewski"),
    Person("chloe", "Chloé", "Marchand"),
    Person("tariq", "Tariq", "Siddiqui"),
    Person("ingunn", "Ingunn", "Þórsdóttir"),
    Person("daniel", "Daniel", "O'Connell"),
    Person("minh", "Minh Anh", "Nguyễn"),
    Person("zanele", "Zanele", "Dlamini"),
    Person("elif", "Elif", "Demir"),
    Person("jonas", "Jonas", "Brandt"),
    Person("aroha", "Aroha", "Ngata"),
    Person("giulia", "Giulia", "Ferraro"),
    Person("samuel", "Samuel", "Adeyemi"),
    Person("hannah", "Hannah", "Weisz"),
    Person("jiwoo", "Ji-woo", "Park"),
    Person("mariam", "Mariam", "Fahmy"),
    Person("lucas", "Lucas", "Vandenberghe"),
    Person("naomi", "Naomi", "Whitfield"),
)
