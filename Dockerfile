# Sluice without its embedded servers: `docker build --tag sluice:0.1.0 .`
ARG PYTHON_IMAGE=python:3.13.7-slim-trixie

FROM ${PYTHON_IMAGE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
RUN python -m venv /opt/sluice
WORKDIR /src
COPY requirements-image.lock .
RUN /opt/sluice/bin/pip install --require-hashes --only-binary :all: -r requirements-image.lock
COPY pyproject.toml README.md ./
COPY schemas schemas
COPY shared shared
COPY services services
RUN /opt/sluice/bin/pip install --no-deps --no-build-isolation . \
    && /opt/sluice/bin/pip uninstall --yes hatchling editables pip

FROM ${PYTHON_IMAGE}
RUN groupadd --gid 10001 sluice \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin sluice \
    && install --directory --owner sluice --group sluice /var/lib/sluice/dedupe
COPY --from=build /opt/sluice /opt/sluice
ENV PATH=/opt/sluice/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 SLUICE_EMBEDDED=false
WORKDIR /tmp
USER 10001:10001
EXPOSE 8000 8081
ENTRYPOINT ["sluice"]
CMD ["--help"]
