// Package scaler is a deterministic model of Application Auto Scaling for ECS services, and of the load that drives it.
//
// A Scaler holds scalable targets, their policies and scheduled actions, and loads: requests that the tasks of some services share, or
// messages that they take from a queue. AdvanceTo moves it, and the world that it scales, through time: at the end of each period it works
// out the metrics from what the world's tasks do, evaluates the alarms, and writes desired counts as the service does. It reads no clock,
// draws nothing at random and writes nothing but desired counts.
//
// Where AWS promises nothing, it takes the reading least kind to a controller; each is an entry of docs/aws-assumptions.md (A74 to A81)
// with a knob in Config.
package scaler
