# syntax=docker/dockerfile:1.7
# A static binary on an empty base. Dependencies are built from the manifests alone, so that a change to the source
# recompiles this crate and nothing else.
FROM rust:1.95-alpine3.22 AS build
RUN apk add --no-cache build-base
WORKDIR /src
COPY rust-toolchain.toml Cargo.toml Cargo.lock ./
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    mkdir -p src benches \
 && echo 'fn main() {}' > src/main.rs \
 && touch src/lib.rs benches/parse_lower.rs benches/walk.rs \
 && cargo build --release --locked \
 && rm -rf src benches
COPY benches ./benches
COPY src ./src
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    touch src/lib.rs src/main.rs \
 && cargo build --release --locked

FROM scratch
COPY --from=build /src/target/release/stratigraph /stratigraph
ENTRYPOINT ["/stratigraph"]
