#!/usr/bin/env bash
# Runs the real Terraform over the module, the twin module and every example, with a stand-in for the AWS provider that
# knows the real one's schema (tools/terraform-standin): fmt, init, validate, test, plan, apply, a second plan without
# changes, destroy. Needs no AWS account and no network but the Go module proxy. What it cannot find is in README.md.
#
#   terraform/test.sh            check
#   terraform/test.sh --update   write testdata and the tables of README.md
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
repo="$PWD"
update=false
[[ "${1:-}" == "--update" ]] && update=true

if ! command -v terraform >/dev/null; then
  echo "terraform/test.sh: SKIPPED: no terraform here; install Terraform 1.9 or newer" >&2
  exit 0
fi

work="$(mktemp -d)"
modules=
trap '[[ -z "$modules" ]] || kill "$modules" 2>/dev/null || true; rm -rf "$work"' EXIT
version=6.25.0 # the real provider's version that the schema was taken from
platform="$(go env GOOS)_$(go env GOARCH)"

echo "== build the stand-in provider"
mirror="$repo/.cache/terraform/mirror"
binary="$mirror/registry.terraform.io/hashicorp/aws/$version/$platform/terraform-provider-aws_v$version"
mkdir -p "$(dirname "$binary")"
(cd tools/terraform-standin && go build -o "$binary" .)

cat >"$work/terraform.rc" <<RC
disable_checkpoint = true
provider_installation {
  filesystem_mirror {
    path    = "$mirror"
    include = ["registry.terraform.io/*/*"]
  }
}
RC
export TF_CLI_CONFIG_FILE="$work/terraform.rc" TF_IN_AUTOMATION=1 TF_INPUT=0 CHECKPOINT_DISABLE=1
# Nothing of this machine's AWS set-up may matter.
unset AWS_PROFILE AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN AWS_ENDPOINT_URL

echo "== fmt"
terraform fmt -recursive -check -diff terraform examples/terraform
terraform fmt -check -diff internal/adopt/testdata

# Everything else happens in a copy: init writes beside the files.
mkdir -p "$work/examples" "$work/dist"
cp -r terraform "$work/terraform"
cp -r examples/terraform "$work/examples/terraform"
printf 'not a real function' >"$work/dist/backstop-lambda_arm64.zip"
zip="$work/dist/backstop-lambda_arm64.zip"

# The stand-in serves the types that are used: its whole schema takes a third of every command.
STANDIN_TYPES="$(grep -rhoE '^ *#? *(resource|data) "aws_\w+"' terraform examples internal/adopt/testdata | grep -oE 'aws_\w+' | sort -u | tr '\n' ' ')"
export STANDIN_TYPES

quiet() { "$@" >"$work/log$BASHPID" 2>&1 || { cat "$work/log$BASHPID" >&2; return 1; }; }

# The modules' own tests run beside all that follows, on the second processor.
(
  for module in terraform terraform/modules/*/; do
    echo "== ${module%/}: init, validate, test"
    cd "$work/$module"
    quiet terraform init -backend=false -no-color
    terraform validate -no-color
    terraform test -no-color
  done
) >"$work/modules" 2>&1 &
modules=$!

echo "== what backstop adopt --terraform writes: validate, before the move and with the module after it"
mkdir -p "$work/adopted" "$work/followed"
ln -s "$work/terraform" "$work/adopted/terraform"
ln -s "$work/terraform" "$work/followed/terraform"
cp internal/adopt/testdata/web.tf "$work/adopted/main.tf"
{
  sed -n '/^#   module "web_standard"/,$ s/^# \{0,1\}//p' internal/adopt/testdata/web.tf
  cat <<'HCL'
resource "aws_ecs_service" "web" {
  name            = "web"
  cluster         = "prod"
  task_definition = "web:1"
  network_configuration {
    subnets = ["subnet-a", "subnet-b"]
  }
  capacity_provider_strategy {
    capacity_provider = "FARGATE_SPOT"
    weight            = 1
  }
}
HCL
} >"$work/followed/main.tf"
for directory in adopted followed; do
  (
    cd "$work/$directory"
    quiet terraform init -backend=false -no-color
    terraform validate -no-color
  )
done

# apply_twice DIRECTORY: plan, apply, and a second plan that must find nothing to do.
apply_twice() {
  (
    cd "$work/$1"
    quiet terraform init -no-color
    quiet terraform plan -no-color -out=plan "${@:2}"
    terraform show -no-color plan | grep -E '^Plan: ' || true
    quiet terraform apply -no-color plan
    local code=0
    terraform plan -no-color -detailed-exitcode "${@:2}" >"$work/log$BASHPID" 2>&1 || code=$?
    if ((code != 0)); then
      echo "$1: the second plan must have no changes (exit code $code):" >&2
      cat "$work/log$BASHPID" >&2
      return 1
    fi
  )
}

# refuses_both DIRECTORY: a new version that says no does not get the alias, and a function that says no keeps all that is there.
refuses_both() {
  (
    cd "$work/$1"
    alias_version() { terraform show -json | grep -oE '"function_version":"[0-9]+"'; }
    before="$(alias_version)"
    sed -i 's/observe *= true/observe = true\n  memory_mb = 512/' main.tf
    if STANDIN_REFUSES=create quiet_no terraform apply -no-color -auto-approve || [[ "$(alias_version)" != "$before" ]]; then
      echo "$1: a version that refused has got the alias" >&2
      return 1
    fi
    quiet terraform apply -no-color -auto-approve
    if [[ "$(alias_version)" == "$before" ]]; then
      echo "$1: a version that proved itself has not got the alias" >&2
      return 1
    fi
    resources="$(terraform state list)"
    if STANDIN_REFUSES=destroy quiet_no terraform destroy -no-color -auto-approve || [[ "$(terraform state list)" != "$resources" ]]; then
      echo "$1: a destroy that was refused has destroyed something" >&2
      return 1
    fi
  )
}
quiet_no() { "$@" >"$work/log$BASHPID" 2>&1; }

mkdir -p "$work/planned"
for example in examples/terraform/*/; do
  echo "== ${example%/}: plan, apply, plan again, destroy"
  apply_twice "$example"
  (cd "$work/$example" && terraform show -json >"$work/planned/$(basename "$example").json")
  [[ "$example" != */observe-first/ ]] || refuses_both "$example"
  (cd "$work/$example" && quiet terraform destroy -no-color -auto-approve)
done

echo "== what is planned fits into AWS"
(
  cd "$work/terraform/tests/large"
  quiet terraform init -no-color
  quiet terraform plan -no-color -out=plan "-var=lambda_zip=$zip"
  terraform show -json plan >"$work/planned/large.json"
)

echo "== what the module renders"
fixture=terraform/tests/fixture
apply_twice "$fixture" "-var=lambda_zip=$zip"
(cd "$work/$fixture" && terraform show -json >"$work/planned/fixture.json")
flags=(-planned "$work/planned")
$update && flags+=(-update)
go test ./internal/tfmodule -count=1 -v -run 'TestTestdataIsWhatTerraformRenders|TestWhatIsPlannedFitsIntoAWS|TestManyServicesAreNamedOneByOne' "${flags[@]}" | grep -v '^=== '

echo "== reference tables"
docs=(go tool -modfile=tools/terraform-docs/go.mod terraform-docs markdown table --lockfile=false --anchor=false --hide=providers --indent=3 --output-file README.md --output-mode inject)
$update || docs+=(--output-check)
for module in terraform terraform/modules/*/; do
  "${docs[@]}" "$repo/$module"
done

result=0
wait "$modules" || result=$?
cat "$work/modules"
((result == 0)) || exit "$result"

echo "== terraform: all passed"
