# Pressmark in an image that holds nothing but the program, root certificates
# and an empty folder for data. The library is mounted read-only:
#
#   docker build -t pressmark .
#   docker run --read-only -v pressmark:/data -v /path/to/library:/library:ro -p 127.0.0.1:8000:8000 pressmark
#
# docs/deployment.md says how to run it. No syntax of BuildKit is used, so that
# every builder takes it.
ARG BUILD_IMAGE=golang:1.26-bookworm
ARG BASE_IMAGE=scratch

FROM ${BUILD_IMAGE} AS build
WORKDIR /src
# Where modules come from, as for the go command.
ARG GOPROXY
ARG GOSUMDB
# The build fetches what the program is made of; "go mod download" would fetch
# three times as much, for its tests.
COPY . .
ARG VERSION=dev
RUN CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags "-s -w -X main.buildVersion=${VERSION}" -o /out/pressmark ./cmd/pressmark \
 && mkdir -p /out/certs /out/open/data /out/open/tmp \
 && cp /etc/ssl/certs/ca-certificates.crt /out/certs/ \
 && chmod 1777 /out/open/data /out/open/tmp

FROM ${BASE_IMAGE}
ARG VERSION=dev
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Pressmark" \
      org.opencontainers.image.description="Puts Calibre libraries on the network" \
      org.opencontainers.image.source="https://github.com/pressmark/pressmark" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=build /out/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
# Folders that are open to any user, as the owner of a library may be the only one
# who can read it (docker run --user). A new volume gets owner and mode from /data.
# To copy a folder by its name would lose its mode.
COPY --from=build --chown=65532:65532 /out/open/ /
COPY --from=build /out/pressmark /usr/local/bin/pressmark
ENV LISTEN_ADDR=:8000 DATA_DIR=/data CALIBRE_LIBRARY_PATH=/library
VOLUME /data
EXPOSE 8000
USER 65532:65532
# Liveness: starting a server again brings back no database that is gone.
HEALTHCHECK --interval=10s --timeout=6s --start-period=60s --retries=3 CMD ["pressmark", "healthcheck"]
ENTRYPOINT ["/usr/local/bin/pressmark"]
CMD ["serve"]
