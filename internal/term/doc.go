// Package term draws a play of the demo on a terminal: demand, Spot and on-demand as a moving chart, the
// breaker, the cost and the latest decisions in words.
//
// Every meaning is in a letter or a shape as well as in a colour. It draws what it is told and knows nothing
// of AWS; it decides nothing.
package term
