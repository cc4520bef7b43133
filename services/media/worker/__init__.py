"""The worker: leases work from the ledger, does it in the sandbox, reports.

`line` talks with the ledger, `leases` knows what to tell it, `crew` runs what
it assigns, and `attempt` does one thing with `sources` and `outputs`.
"""
