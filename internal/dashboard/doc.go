// Package dashboard is the page that an operator watches workloads on: what is, why, what was, what would change it,
// what it saved, and the orders that change what is wanted. It is an [http.Handler] with everything in the binary;
// nothing is fetched from elsewhere.
//
// What it is not: it decides nothing (package failover does), keeps nothing and calls nothing of AWS. What it shows
// comes from a [Source]: the store of a daemon ([StoreSource]), or a finished run ([Recording]). An order goes back
// through the source into the state, and the next pass acts on it.
package dashboard
