package wording

import (
	"regexp"
	"strings"
)

var plainArgument = regexp.MustCompile(`^[A-Za-z0-9_./:=,@%+-]+$`)

// Shell quotes an argument of a command where it must be.
func Shell(s string) string {
	if plainArgument.MatchString(s) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
