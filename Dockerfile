# The image of every component: `docker build -t steward .`
# Another base needs Python 3.13 as python3, and pip for it; both stages use the same one.
ARG BASE_IMAGE=python:3.13-slim

FROM ${BASE_IMAGE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /build
COPY app/requirements-build.lock app/requirements.lock ./
# Wheels only: what would need a compiler fails here instead of bringing one in.
RUN python3 -m pip install --require-hashes --only-binary :all: --no-compile --target /opt/steward/lib -r requirements.lock \
 && python3 -m pip install --require-hashes --only-binary :all: --target /build/backend -r requirements-build.lock
COPY app/ ./
RUN PYTHONPATH=/build/backend python3 -m pip install --no-deps --no-index --no-build-isolation --no-compile --target /build/own . \
 && mv /build/own/bin/steward /opt/steward/steward \
 && rm -r /build/own/bin /opt/steward/lib/bin \
 && cp -r /build/own/. /opt/steward/lib
# 65 of the official client's 121 MB are its asyncio twin, which nothing here imports; its models are never loaded, so not compiled either.
RUN rm -r /opt/steward/lib/kubernetes/aio \
 && python3 -m compileall -q --invalidation-mode unchecked-hash -x 'kubernetes/client/(api|models)/' /opt/steward/lib \
 && PYTHONPATH=/opt/steward/lib /opt/steward/steward describe headless >/dev/null

FROM ${BASE_IMAGE}
# No installer stays inside. The standard library is compiled here: the official base leaves that to the first start, and a read-only file
# system would leave it to every start.
RUN find / -xdev \( -path '*-packages/pip' -o -path '*-packages/pip-*' -o -path '*-packages/setuptools*' -o -path '*-packages/wheel*' \
      -o -path '*/python3*/ensurepip' -o -path '*/python3*/idlelib' -o -path '/usr/share/python-wheels' \
      -o -path '*/bin/pip*' -o -path '*/bin/idle*' \) -prune -exec rm -rf {} + \
 && python3 -m compileall -q --invalidation-mode unchecked-hash -x '/tests?/' "$(python3 -c 'import os; print(os.path.dirname(os.__file__))')" \
 && echo 'steward:x:65532:65532::/tmp:/usr/sbin/nologin' >>/etc/passwd \
 && echo 'steward:x:65532:' >>/etc/group
COPY --from=build /opt/steward /opt/steward
# Where OpenShift's certification looks for it.
COPY LICENSE /licenses/LICENSE
ARG VERSION=0.0.0
ARG REVISION=unknown
ARG CREATED=1970-01-01T00:00:00Z
LABEL org.opencontainers.image.title="steward" \
      org.opencontainers.image.description="Operators for a Kubernetes cluster, one process per component" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}"
ENV PATH=/opt/steward:$PATH \
    PYTHONPATH=/opt/steward/lib \
    PYTHONSAFEPATH=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    STEWARD_REVISION=${REVISION}
USER 65532:65532
EXPOSE 8080 8081
ENTRYPOINT ["steward"]
