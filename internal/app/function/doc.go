// Package function is the AWS Lambda function: it reads its configuration, and turns every invocation, be it a batch
// of SQS messages or the schedule, into at most one pass per workload.
//
// It takes no decision and waits for nothing but its own passes: between invocations it does not run. It has no
// queue of its own; Lambda's event source mapping receives, and deletes what this package does not return as failed.
// It links neither SQLite nor Prometheus nor a terminal.
package function
