package runtask

// EndOf is the judge of this package, for a comparison.
var EndOf = endOf
