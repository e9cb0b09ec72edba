# Two images from one file: `web` (also worker and beat) has no torch; `interpret` has.
FROM python:3.11-slim-bookworm AS base
ENV PYTHONUNBUFFERED=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /app
COPY pyproject.toml constraints.txt README.md ./
COPY client ./client
COPY config ./config
COPY evidence ./evidence
COPY requirements ./requirements
COPY interpret ./interpret
COPY manage.py ./
RUN useradd --system --home /app tracebinder && mkdir -p /data && chown tracebinder /data
ENV TRACEBINDER_VAR=/data

FROM base AS web
RUN pip install -c constraints.txt -e . && TRACEBINDER_SECRET_KEY=build DATABASE_URL=postgresql://build REDIS_URL=redis://build \
    python manage.py collectstatic --noinput
USER tracebinder
EXPOSE 8000
CMD ["granian", "--interface", "wsgi", "--host", "0.0.0.0", "--port", "8000", "--workers", "2", \
     "--blocking-threads", "16", "config.wsgi:application"]

FROM base AS interpret
RUN pip install -c constraints.txt -e '.[interpret]'
USER tracebinder
ENV TRACEBINDER_PROCESS=interpret
CMD ["celery", "-A", "config", "worker", "-Q", "interpret", "-c", "1"]
