// Package service reads and changes ECS services and their scalable targets through the real SDK.
//
// It takes no decision and keeps no state but clients, their rate limits, and the last lines of the services'
// event lists. It uses no waiter of the SDK: a pass looks, acts, and looks again at the next pass.
package service
