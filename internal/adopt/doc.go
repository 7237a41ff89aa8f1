// Package adopt says how a service becomes a guarded workload: which services could, what is in the way of each, and the steps of one with
// what runs after each and how it is undone.
//
// It calculates from what package discover has read, and changes nothing.
package adopt
