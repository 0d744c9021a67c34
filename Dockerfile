# The engine in a container, from the pins of this repository: Cargo.lock, scripts/libtorch.json,
# .cargo/config.toml (the version of libtorch) and Rust 1.95.
#
#   docker build --target cpu --tag repro:cpu .
#   docker run --rm -v "$PWD/ledger:/ledger" repro:cpu verify --expected
#
#   docker build --target cuda --tag repro:cuda .
#   docker run --rm --gpus all -v "$PWD/ledger:/ledger" -v "$PWD/data:/data" repro:cuda \
#       plan --evidence paper
#
# Programs know the folder that they were built in, so every stage uses /repro.
FROM rust:1.95-bookworm AS sources
RUN apt-get update \
    && apt-get install --yes --no-install-recommends g++ make python3 python3-pip python3-venv \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /repro
COPY . .
RUN make setup

FROM sources AS build-cpu
RUN cargo build --release --locked

FROM sources AS build-cuda
RUN make gpu && cargo build --release --locked

FROM debian:bookworm-slim AS base
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates libstdc++6 \
    && rm -rf /var/lib/apt/lists/*
ENV REPRO_LEDGER=/ledger REPRO_DATA=/data PATH=/repro/target/release:$PATH
VOLUME ["/ledger", "/data"]
WORKDIR /study
ENTRYPOINT ["repro"]
CMD ["--help"]

FROM base AS cuda
COPY --from=build-cuda /repro/.libtorch /repro/.libtorch
COPY --from=build-cuda /repro/target/release/repro /repro/target/release/repro-engine \
    /repro/target/release/
# CUDA's libraries are in the wheel; the driver's come from the host (NVIDIA's container toolkit).
ENV LD_LIBRARY_PATH=/repro/.libtorch/gpu/lib/python3.11/site-packages/torch/lib \
    NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility

# The last stage is the default.
FROM base AS cpu
COPY --from=build-cpu /repro/.libtorch /repro/.libtorch
COPY --from=build-cpu /repro/target/release/repro /repro/target/release/repro-engine \
    /repro/target/release/
