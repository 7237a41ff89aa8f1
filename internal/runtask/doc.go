// Package runtask runs tasks that belong to no service, with a fallback: on Spot first, on the next pool where Spot has no room, is too slow or takes a
// task back. Nothing of a run is kept but its tasks: their tags and their client tokens say what was asked for, so that whoever comes after a
// program that died goes on where it was.
package runtask
