//go:build !race

package adversary

const slower = 1
