# The agent as an image: every part of it, told apart by its command. Built and run by nobody but its own user.
#
#   docker build -t sre-agent .
#   docker run --rm sre-agent sre --help
FROM python:3.11-slim AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/venv
COPY requirements.txt /tmp/requirements.txt
RUN /opt/venv/bin/pip install -r /tmp/requirements.txt
# Flows are loaded from the folder in which they were deployed, so it is the same in every container.
WORKDIR /opt/sre-agent
COPY pyproject.toml requirements.in prefect.yaml README.md LICENSE py.typed ./
COPY adapters ./adapters
COPY console ./console
COPY deployments ./deployments
COPY domain ./domain
COPY flows ./flows
COPY ml ./ml
COPY playbooks ./playbooks
COPY tasks ./tasks
# In place: settings, playbooks and flows are found beside the modules.
RUN /opt/venv/bin/pip install --no-deps --editable . \
    && /opt/venv/bin/python -m compileall -q /opt/sre-agent

FROM python:3.11-slim
RUN groupadd --gid 10001 sre \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin sre \
    && install -d -o 10001 -g 10001 -m 0750 /var/lib/sre-agent
COPY --from=build /opt/venv /opt/venv
COPY --from=build /opt/sre-agent /opt/sre-agent
# What is written goes to the home, or to /tmp; the rest of the file system may be read-only.
ENV PATH=/opt/venv/bin:/usr/local/bin:/usr/bin:/bin \
    HOME=/tmp \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    SRE_HOME=/var/lib/sre-agent \
    SRE_STORE__FILES=/var/lib/sre-agent/log-files \
    PREFECT_HOME=/tmp/prefect \
    DO_NOT_TRACK=1 \
    GX_ANALYTICS_ENABLED=false \
    MLFLOW_DISABLE_TELEMETRY=true \
    MALLOC_ARENA_MAX=2 \
    ARROW_DEFAULT_MEMORY_POOL=system
WORKDIR /opt/sre-agent
USER 10001:10001
VOLUME ["/var/lib/sre-agent"]
EXPOSE 8088
# Of the HTTP service; a worker's container has a check of its own, or none.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=6 \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8088/healthz', timeout=4)"]
CMD ["python", "-m", "console.http", "--port", "8088"]
