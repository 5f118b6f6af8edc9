# The full version of the base image. A digest would pin the exact image; look it up with
# docker buildx imagetools inspect python:3.11.14-slim-bookworm, then --build-arg PYTHON=...@sha256:...
ARG PYTHON=python:3.11.14-slim-bookworm

FROM ${PYTHON} AS build
WORKDIR /build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
# Dependencies first: they change seldom, so that a change of the code reuses these layers.
COPY locks/build.txt locks/production.txt locks/
RUN pip install --require-hashes -r locks/build.txt \
    && python -m venv --without-pip /opt/venv \
    && pip --python /opt/venv/bin/python install --require-hashes -r locks/production.txt
COPY pyproject.toml README.md LICENSE ./
COPY src src
RUN pip wheel --no-deps --no-build-isolation --wheel-dir /wheels . \
    && pip --python /opt/venv/bin/python install --no-deps --no-index /wheels/*.whl

FROM ${PYTHON}
RUN useradd --system --uid 10001 --home-dir /data --create-home multipart
COPY --from=build /opt/venv /opt/venv
# `serve` and the health check read PORT: set it rather than --port.
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 PORT=8000
USER 10001
# A SQLite file with a relative path in DATABASE_URL is stored here.
WORKDIR /data
EXPOSE 8000
STOPSIGNAL SIGTERM
# bash can open TCP connections itself; starting Python every ten seconds would cost too much CPU.
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s \
    CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/$PORT && printf 'GET /health/live HTTP/1.1\\r\\nHost: 127.0.0.1\\r\\nConnection: close\\r\\n\\r\\n' >&3 && read -r _ status _ <&3 && [ \"$status\" = 200 ]"]
ENTRYPOINT ["multipart-upload"]
CMD ["serve", "--host", "0.0.0.0"]
