// Package verify measures what AWS does in the user's own account and holds it against docs/aws-assumptions.md. It makes a cluster, a
// queue, a rule and services of its own, all tagged [TagKey], runs experiments whose cost is bounded before the first call, and takes
// everything away again. A dead man's switch in the account, a set of one-time schedules, does the same if the program dies. What is
// observed comes from AWS's answers alone; what is expected stands in expectations.json by the number of the ledger's row.
package verify
