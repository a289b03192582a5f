"""Reports: what leads look at across domains, first of all how far their cohorts are."""
