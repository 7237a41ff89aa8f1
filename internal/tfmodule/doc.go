// Package tfmodule holds the tests that keep the Terraform module in terraform/ in step with the rest of the
// repository: its event patterns with what package ecsevent understands, its permissions with the calls that the code
// makes and with docs/iam.md, its variables with the configuration, its alarms and dashboard with the metrics' names.
//
// The tests read terraform/testdata, which terraform/test.sh renders with the real Terraform and compares. The package
// has no code of its own.
package tfmodule
