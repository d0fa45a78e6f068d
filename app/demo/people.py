"""The administrator and the buyers of the demo. Merchants are declared with their shops."""

from dataclasses import dataclass
from typing import Final

from app.common.examples import EXAMPLE_PHONE

#: example.com is reserved (RFC 2606), so mail to it never reaches anyone.
DOMAIN: Final = "demo.example.com"


@dataclass(frozen=True, slots=True)
class Person:
    """A user of the demo. local_part: the part of the email address before the @."""

    local_part: str
    first_name: str
    last_name: str
    phone: str | None = None

    @property
    def email(self) -> str:
        return f"{self.local_part}@{DOMAIN}"


ADMIN: Final = Person("admin", "Noor", "Haddad")

BUYERS: Final = (
    Person("ada", "Ada", "Lindqvist", EXAMPLE_PHONE),
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
