"""A service in small: a schema and its migrations, laid out as every service does."""
