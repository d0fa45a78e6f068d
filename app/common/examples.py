"""Values in the examples of the OpenAPI document. They are those of the demo data, so that the
examples can be executed in Swagger UI."""

from typing import Final

#: Of a product, of the merchant who sells it, and of nothing else.
EXAMPLE_ID: Final = "01993c1e-7c1a-7b52-9f6e-2b8f0f6f7a11"

#: Of two users with the same password, which is public. The first has the phone number.
EXAMPLE_EMAIL: Final = "ada@demo.example.com"
EXAMPLE_PHONE: Final = "+14155550100"
OTHER_EMAIL: Final = "kwame@demo.example.com"
EXAMPLE_PASSWORD: Final = "demo-Passw0rd-2026"  # noqa: S105 – a demo account needs a known one
