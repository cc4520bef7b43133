"""Media algorithms: files in, facts and files out. Knows no service, no work, no network."""
