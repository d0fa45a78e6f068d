"""The sinks outside of the application, as the settings say."""

from app.common import redis_client
from app.common.settings import Settings, require_redis
from app.events.cloud_events import CloudEvents
from app.events.redis_stream import RedisStreamSink
from app.events.sinks import Sink

#: A batch of messages takes longer than a command of a request.
_REDIS_SECONDS = 5.0


def sinks_of(settings: Settings) -> list[Sink]:
    """The sinks that are configured. Nothing is connected before the first delivery.

    Raises SettingsError for streams without Redis.
    """
    sinks: list[Sink] = []
    cloud_events = CloudEvents(
        source=settings.public_address, schemas=f"{settings.api_address}/events/schemas"
    )
    if settings.event_streams:
        client = redis_client.connect(require_redis(settings), timeout=_REDIS_SECONDS)
        sinks.append(RedisStreamSink(client, cloud_events, max_length=settings.event_stream_length))
    if settings.kafka_bootstrap_servers:
        # Takes 16 MB, and web processes do not need it.
        from app.events.kafka.sink import KafkaSink

        sinks.append(KafkaSink.from_settings(settings, cloud_events))
    return sinks
