"""Media algorithms: files in, facts and files out. Knows no service, no work, no network."""

from services.media.engine.lame import prefer_system_lame

# Before any of the modules here imports PyAV.
prefer_system_lame()
