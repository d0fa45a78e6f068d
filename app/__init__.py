"""Payment Flow."""

from typing import Final

#: Of the API and of the product: see CHANGELOG.md.
VERSION: Final = "1.1.0"
