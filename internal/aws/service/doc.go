// Package service reads and changes ECS services and their scalable targets through the real SDK.
//
// It is the fleet's reader: what several looks wait for is read by one call, and what calls there are in an account and region go to what
// is worth most (budget.go, gather.go, sweep.go). It takes no decision and keeps no state but clients, their budgets, a picture of the tasks that
// were read or told of, and the last lines of the services' event lists. It uses no waiter of the SDK: a pass looks, acts, and looks again at the next pass.
package service
