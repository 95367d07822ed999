"""Environments, behaviour policies, unrolls and evaluation; synchronous."""
