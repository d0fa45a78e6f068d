"""What administrators see of everything: lists, searches and details across modules.

Reads only, except for events in quarantine, which `app.inbox` changes. Reading the details of a
person is in the audit log.
"""
