// Package demo plays a scenario of Spot trouble against the whole product on one machine, in lock step: the
// sandbox on a loopback socket, the daemon's own wiring with the real AWS SDK over that socket, and virtual
// time that moves from one thing that matters to the next, so that a day takes seconds.
//
// What it is not: it models nothing (package ecsim does), decides nothing (package failover does) and draws
// nothing (package term does). It steers the sandbox, lets the daemon pass, and measures.
package demo
