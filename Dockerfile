# syntax=docker/dockerfile:1
# The program with its live parts, as a user without rights. Kernels are compiled while the image is built.

FROM python:3.12-slim-bookworm AS wheel
WORKDIR /src
RUN pip install --no-cache-dir --disable-pip-version-check build==1.3.0
COPY pyproject.toml README.md LICENSE ./
COPY maritime maritime
COPY streams streams
COPY models models
COPY configs configs
RUN python -m build --wheel --outdir /wheel

FROM python:3.12-slim-bookworm AS installed
COPY constraints.txt /
COPY --from=wheel /wheel /wheel
RUN python -m venv /opt/maritime \
    && /opt/maritime/bin/pip install --no-cache-dir --disable-pip-version-check --no-compile \
        --constraint /constraints.txt "$(ls /wheel/*.whl)[live,share]"
# The kernels' cache is known by the times of the sources, of which layers keep whole seconds only.
RUN find /opt/maritime -name '*.py' -exec touch --date=2020-01-01T00:00:00Z {} + \
    && /opt/maritime/bin/python -m compileall -q /opt/maritime/lib \
    && NUMBA_CACHE_DIR=/opt/maritime/kernels /opt/maritime/bin/python -c \
        "from maritime.detect.places import EnginePlaces; from maritime.warmup import warm_up; warm_up(EnginePlaces.load())"

FROM python:3.12-slim-bookworm
LABEL org.opencontainers.image.title="maritime-watch" org.opencontainers.image.licenses="Apache-2.0"
RUN groupadd --gid 10001 maritime && useradd --uid 10001 --gid 10001 --no-create-home --shell /usr/sbin/nologin maritime \
    && install --directory --mode=0700 --owner=10001 --group=10001 /ledger
COPY --from=installed /opt/maritime /opt/maritime
COPY --chmod=0755 deploy/entrypoint.sh /usr/local/bin/entrypoint.sh
ENV PATH=/opt/maritime/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    NUMBA_CACHE_DIR=/tmp/kernels \
    MPLCONFIGDIR=/tmp/matplotlib
WORKDIR /tmp
USER 10001:10001
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=6s --start-period=180s --retries=3 \
    CMD ["python", "-m", "streams.observe.probe", "http://127.0.0.1:9108/healthz"]
ENTRYPOINT ["/usr/local/bin/entrypoint.sh"]
CMD ["maritime", "--help"]
