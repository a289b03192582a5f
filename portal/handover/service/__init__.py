"""Writing handovers, from the inventory to the close, stand-ins, and who accepts what nobody would own."""
