"""The WSGI entry point, and the application of `flask routes` and `flask shell`.

Without a DATABASE_URL it uses the servers of a running `./flow up`.
"""

import sys

from app.common.settings import SettingsError, load_settings
from app.factory import create_app
from app.local import running

try:
    settings = load_settings()
    app = create_app(load_settings() if running.adopt(settings) else settings)
except SettingsError as error:
    sys.exit(f"Error: {error}")
