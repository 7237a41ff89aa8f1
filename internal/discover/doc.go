// Package discover reads which services of an account run on Fargate Spot, which of the others are their on-demand
// twins, and writes a configuration of it; and it says what makes a twin that is not there.
//
// It changes nothing. What it finds is a proposal for a person to read.
package discover
