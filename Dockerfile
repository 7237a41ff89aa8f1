# The daemon and the CLI in an image with nothing else in it. Releases build it with goreleaser, which puts the binaries
# where TARGETPLATFORM says; docs/install.md shows how to build it by hand.
FROM scratch

COPY .cache/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt

ARG TARGETPLATFORM=linux/amd64
COPY ${TARGETPLATFORM}/backstop /backstop

# Nobody. State in SQLite wants a volume that this user may write to; state in DynamoDB wants nothing.
USER 65534:65534
WORKDIR /data
EXPOSE 7077

ENTRYPOINT ["/backstop"]
CMD ["run"]
