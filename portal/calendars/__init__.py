"""Working days: national holidays in versioned tables, company days of a market, personal leave."""
