# syntax=docker/dockerfile:1
# A node in a container: one static program and its folder /data.
#
#   docker build --build-arg VERSION="$(git describe --tags --always --dirty)" -t miner .
#   docker run -d --name miner -p 127.0.0.1:5000:5000 -v miner:/data miner --create-wallet --mine
FROM --platform=$BUILDPLATFORM golang:1.26.8-trixie AS build
ARG TARGETOS TARGETARCH VERSION=devel REVISION=
WORKDIR /source
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download
COPY . .
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH go build -trimpath -buildvcs=false \
    -ldflags "-s -w -X main.version=$VERSION -X main.commit=$REVISION" -o /out/miner ./cmd/miner && \
    mkdir /out/data

FROM scratch
LABEL org.opencontainers.image.title="miner" \
      org.opencontainers.image.description="Proof-of-work mining node" \
      org.opencontainers.image.licenses="MIT"
COPY --from=build /out/miner /miner
COPY --from=build /source/LICENSE /LICENSE
# A volume takes over whose its folder is.
COPY --from=build --chown=65532:65532 /out/data /data
USER 65532:65532
ENV MINER_DATA_DIR=/data MINER_HOST=0.0.0.0
VOLUME /data
EXPOSE 5000
HEALTHCHECK --interval=30s --timeout=5s --start-period=5m CMD ["/miner", "status"]
ENTRYPOINT ["/miner"]
