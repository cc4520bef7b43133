# One image for every part; docker-compose.yml says which part a container runs.
FROM python:3.11-slim-bookworm
# One arena a thread keeps memory that was needed once; two are as fast and half as large.
ENV MALLOC_ARENA_MAX=2
# Makes MP3 in a third of the time of the LAME that PyAV's wheel has.
RUN apt-get update && apt-get install -y --no-install-recommends libmp3lame0 \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /app
COPY requirements.lock ./
RUN pip install --no-cache-dir --require-hashes -r requirements.lock
COPY pyproject.toml README.md ./
COPY protos protos
COPY services services
COPY gateway gateway
COPY cli cli
COPY client client
RUN pip install --no-cache-dir --no-deps --no-build-isolation . \
    && useradd --create-home vitascope && mkdir /scratch && chown vitascope /scratch
USER vitascope
CMD ["vitascope", "--help"]
