"""What a study will cost, what its jobs need, how long it takes, how far it is."""
