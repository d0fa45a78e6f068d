"""Simulated traffic: the simulator of `sandbox/traffic`, which administrators and the live process
control. Never in production."""
