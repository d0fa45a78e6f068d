"""How control of the traffic simulator can fail."""

from app.common.errors import Forbidden, Unavailable


class TrafficForbidden(Forbidden):
    code = "TRAFFIC_FORBIDDEN"
    message = "Traffic is never simulated in production."


class TrafficUnavailable(Unavailable):
    code = "TRAFFIC_UNAVAILABLE"
    message = "The traffic simulator does not answer. `./flow up` starts it."
