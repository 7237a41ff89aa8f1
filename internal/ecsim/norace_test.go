//go:build !race

package ecsim_test

const raced = false
