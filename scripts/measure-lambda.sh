#!/usr/bin/env bash
# Builds the function's program as it is installed and prints its figures: size, zipped size, time to start beside that
# of a function that does nothing, processor time and memory of a warm pass. Needs nothing but Go. It fails when a
# budget is exceeded: 13.5 MB stripped and 5 MB zipped for arm64, a start of three times that of the function that does
# nothing, started in turn with it, and for this machine 50 ms and 48 MiB.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
out="$(mktemp -d)"
trap 'rm -rf "$out"' EXIT

build() { # GOARCH NAME PACKAGE
  GOOS=linux GOARCH="$1" CGO_ENABLED=0 go build -tags lambda.norpc -trimpath -ldflags='-s -w' -o "$out/$2" "$3"
}
build arm64 bootstrap ./cmd/backstop-lambda
size="$(stat -c %s "$out/bootstrap")"
zipped="$(gzip -9 -c "$out/bootstrap" | wc -c)" # deflate, as in a zip file
build "$(go env GOARCH)" native ./cmd/backstop-lambda
build "$(go env GOARCH)" bare ./bench/lambda/bare
go build -o "$out/measure" ./bench/lambda

awk -v s="$size" -v z="$zipped" 'BEGIN { printf "arm64 bootstrap: %.1f MB stripped, %.1f MB zipped\n", s / 1e6, z / 1e6 }'
unset AWS_CA_BUNDLE # Lambda sets none, and reading one takes a third of the start
figures="$("$out/measure" -bootstrap "$out/native" -bare "$out/bare" "$@")"
echo "$figures"
echo "$figures" | awk -v s="$size" -v z="$zipped" '
  /times that/ { init = $(NF - 5) }
  /^warm/ { for (i = 1; i < NF; i++) { if ($i ~ /:$/ && !cpu) cpu = $(i + 1); if ($i == "memory") memory = $(i + 1) } }
  END {
    if (s > 13.5e6) bad = bad " size"; if (z > 5e6) bad = bad " zip"; if (init > 3) bad = bad " init"
    if (cpu > 50) bad = bad " cpu"; if (memory > 48) bad = bad " memory"
    if (bad) { print "over budget:" bad; exit 1 }
    print "all within budget"
  }'
