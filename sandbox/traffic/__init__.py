"""Simulated traffic: people who buy, pay and give back, through the public HTTP API only."""
