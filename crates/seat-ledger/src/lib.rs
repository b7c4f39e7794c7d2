//! Quotas, claims and the append-only ledger of one tenant's seats.
