// Package taskretry starts tasks of no service again that Spot took back, or that ended before they ran for want of capacity: on demand, as often as
// their tag allows. What is decided is written to a page of the store before ECS is called, and the call's token is made of the task, so that
// events which come twice, several guards and processes that die start nothing twice.
package taskretry
