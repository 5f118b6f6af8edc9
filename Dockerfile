FROM python:3.11-slim-bookworm AS build
WORKDIR /build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
# First what changes seldom, so that a change of the code reuses these layers.
COPY constraints-build.txt constraints-production.txt ./
RUN pip install --require-hashes -r constraints-build.txt \
    && python -m venv --without-pip /opt/venv \
    && pip --python /opt/venv/bin/python install --require-hashes -r constraints-production.txt
COPY pyproject.toml README.md LICENSE ./
COPY src src
RUN pip wheel --no-deps --no-build-isolation --wheel-dir /wheels . \
    && pip --python /opt/venv/bin/python install --no-deps --no-index /wheels/*.whl

FROM python:3.11-slim-bookworm
RUN useradd --system --uid 10001 --home-dir /data --create-home multipart
COPY --from=build /opt/venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1
USER 10001
# The SQLite file, where neither MONGO_URI nor DATABASE_URL is set, goes here.
WORKDIR /data
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8000/health/live', timeout=2)"]
ENTRYPOINT ["multipart-upload"]
CMD ["serve", "--host", "0.0.0.0", "--port", "8000"]
