// Package eventpattern decides whether an EventBridge event pattern matches an event, as EventBridge documents it:
// exact values, prefix, suffix, anything-but, exists, numeric, equals-ignore-case, wildcard, nested objects, arrays and
// $or. It exists so that the rules of the Terraform module can be tested without AWS.
//
// What it is not: a router, or complete. An operator that it does not know (cidr, or one of next year) is an error and
// never a silent "no". It does no I/O.
package eventpattern
