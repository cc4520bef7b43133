"""How the measures of quality follow what is done to clean clips."""
