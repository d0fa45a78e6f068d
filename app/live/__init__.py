"""The live process: transactions as they are decided, over WebSocket and server-sent events.

An ASGI process of its own, because the threads of the web processes cannot hold thousands of open
streams (docs/decisions/0032-live-process.md).
"""
