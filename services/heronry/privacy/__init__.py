"""Differential privacy: noise, accounting, the ledger, factorisations, secure aggregation, audits."""
