# Two images from one file: `web` (also worker and beat) has no torch; `interpret` has.
# The base is named with its digest by whoever builds, because only they can look it up and see what it holds:
#   --build-arg PYTHON_IMAGE=python:3.11-slim-bookworm@sha256:…
ARG PYTHON_IMAGE
FROM ${PYTHON_IMAGE} AS base
ENV PYTHONUNBUFFERED=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PYTHONPATH=/app
WORKDIR /app
# Each folder is where a volume is mounted: the volume takes its owner over.
RUN useradd --system --home /app tracebinder \
    && mkdir -p /data/static /data/blobs /data/public-keys /data/models /keys /head \
    && chown -R tracebinder /data /keys /head && chmod 700 /keys
ENV TRACEBINDER_VAR=/data

FROM base AS web
COPY hashes-web.txt ./
# Each file by its SHA-256, and no other: what an index serves under the same name and version is not installed.
RUN pip install --require-hashes --no-deps --only-binary :all: -r hashes-web.txt
COPY config ./config
COPY evidence ./evidence
COPY requirements ./requirements
COPY interpret ./interpret
COPY manage.py ./
# The verifier that auditors run: pages run it as a command of its own, and import nothing of it.
COPY client/tracebinder ./tracebinder
USER tracebinder
EXPOSE 8000
CMD ["granian", "--interface", "wsgi", "--host", "0.0.0.0", "--port", "8000", "--workers", "2", \
     "--blocking-threads", "16", "config.wsgi:application"]

FROM base AS interpret
COPY hashes-interpret.txt ./
RUN pip install --require-hashes --no-deps --only-binary :all: -r hashes-interpret.txt
COPY config ./config
COPY evidence ./evidence
COPY requirements ./requirements
COPY interpret ./interpret
COPY manage.py ./
USER tracebinder
ENV TRACEBINDER_PROCESS=interpret
CMD ["celery", "-A", "config", "worker", "-Q", "interpret", "-c", "1"]
