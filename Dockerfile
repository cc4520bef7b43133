# One image for every part; docker-compose.yml says which part a container runs.
FROM python:3.11-slim-bookworm
WORKDIR /app
COPY requirements.lock ./
RUN pip install --no-cache-dir --require-hashes -r requirements.lock
COPY pyproject.toml README.md ./
COPY protos protos
COPY services services
COPY gateway gateway
COPY cli cli
RUN pip install --no-cache-dir --no-deps --no-build-isolation . \
    && useradd --create-home vitascope && mkdir /scratch && chown vitascope /scratch
USER vitascope
CMD ["vitascope", "--help"]
