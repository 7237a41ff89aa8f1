// Package tunable says what can be set of a policy: every field with its unit, range, meaning and the reason for its default, and what is
// wrong with a policy as a whole. The decision core takes a policy as it is; whoever lets a person write one checks it here.
package tunable
