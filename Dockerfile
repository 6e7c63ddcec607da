# One image for all services: `docker build -t assay .`, then `docker run assay worker validator`.

FROM python:3.12-slim AS build
WORKDIR /build
RUN apt-get update \
    && apt-get install --yes --no-install-recommends gcc libc6-dev \
    && rm -rf /var/lib/apt/lists/*
RUN python -m venv --without-pip /opt/assay

# The dependencies come first: they change seldom. Each must have one of the hashes written down.
COPY requirements/base.txt requirements/base.txt
RUN pip --python /opt/assay/bin/python install --no-cache-dir --require-hashes -r requirements/base.txt

# What compiles assay_models.conduct lies beside them, and stays here.
COPY requirements/compile.txt requirements/compile.txt
RUN pip install --no-cache-dir --require-hashes --target /opt/compiler -r requirements/compile.txt

# The build backend is among the dependencies, so nothing more is fetched here.
COPY pyproject.toml README.md LICENSE ./
COPY schemas schemas
COPY models models
COPY services services
RUN pip --python /opt/assay/bin/python install --no-cache-dir --no-deps --no-build-isolation ./schemas . \
    && HATCH_BUILD_HOOK_ENABLE_CUSTOM=true PYTHONPATH=/opt/compiler \
    pip --python /opt/assay/bin/python install --no-cache-dir --no-deps --no-build-isolation ./models


FROM python:3.12-slim
RUN groupadd --gid 10001 assay \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin assay \
    && install --directory --owner=10001 --group=10001 --mode=0700 /data
COPY --from=build /opt/assay /opt/assay

# The root file system may be read-only: all that is ever written goes to /tmp, or where a volume is mounted on /data.
ENV PATH=/opt/assay/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HOME=/tmp \
    ASSAY_FOLDER=/tmp/assay
WORKDIR /opt/assay

# A number, so that a cluster can see that it is not root.
USER 10001:10001
ENTRYPOINT ["assay"]
