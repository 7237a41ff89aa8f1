package cli

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/backstop-ecs/backstop/internal/wording"
)

// spanValue is a flag that takes a duration as it is printed: 90m, 24h, 2d, 3d4h.
type spanValue struct{ to *time.Duration }

func (v spanValue) String() string {
	if v.to == nil || *v.to == 0 {
		return ""
	}
	return wording.Span(*v.to)
}

// Set implements pflag.Value.
func (v spanValue) Set(text string) error {
	d, err := parseSpan(text)
	if err == nil {
		*v.to = d
	}
	return err
}

// Type implements pflag.Value; the help shows it.
func (v spanValue) Type() string { return "duration" }

// parseSpan reads a duration, days included. It must be above 0.
func parseSpan(text string) (time.Duration, error) {
	days, rest, ok := strings.Cut(text, "d")
	if !ok {
		days, rest = "", text
	}
	var d time.Duration
	if days != "" {
		n, err := strconv.ParseUint(days, 10, 16)
		if err != nil {
			return 0, errNoSpan
		}
		d = time.Duration(n) * 24 * time.Hour
	}
	if rest != "" {
		more, err := time.ParseDuration(rest)
		if err != nil {
			return 0, errNoSpan
		}
		d += more
	}
	if d <= 0 {
		return 0, errNoSpan
	}
	return d, nil
}

var errNoSpan = fmt.Errorf("must be a duration above 0 such as 90m, 24h, 2d or 3d4h")
