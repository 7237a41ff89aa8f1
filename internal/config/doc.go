// Package config reads backstop.yaml: from its bytes to checked values, with every problem at once, each with
// its line, its column, what was found and what was probably meant.
//
// One table (spec.go, and [tunable.Fields] for the numbers of a policy) is the source of the checks, the JSON
// Schema, the reference in docs/configuration.md and `backstop config explain`, so that they cannot disagree.
//
// What it is not: it opens no file, reads no environment and no secret, resolves no name at AWS. It knows
// where a secret is kept ([Secret]), not what it is. Where the AWS endpoints are is the AWS SDK's business.
package config
