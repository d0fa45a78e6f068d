"""What runs on the hosts: the configuration and the command of each server."""
