package cli

import (
	"net"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/backstop-ecs/backstop/internal/cost"
	"github.com/backstop-ecs/backstop/internal/dashboard"
	"github.com/backstop-ecs/backstop/internal/simulate"
)

// mayBeEmpty are the flags that say something when they are given as nothing.
var mayBeEmpty = []string{"reason", "by"}

// checkEmpty refuses a flag that is given as nothing: it is a variable that is not set, and never meant.
func checkEmpty(cmd *cobra.Command) (err error) {
	cmd.Flags().Visit(func(f *pflag.Flag) {
		if text := f.Value.String(); err == nil && (text == "" || text == "[]") && !slices.Contains(mayBeEmpty, f.Name) {
			err = usageError("--%s: must not be empty", f.Name)
		}
	})
	return err
}

var hostName = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$`)

// checkAddress refuses what cannot be listened on, with the name of the flag.
func checkAddress(flag, addr string) error {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return usageError("--%s %q: must be HOST:PORT, such as 127.0.0.1:7077", flag, addr)
	}
	if n, err := strconv.Atoi(port); err != nil || n < 0 || n > 65535 {
		return usageError("--%s %q: the port must be 0 to 65535 (got %q)", flag, addr, port)
	}
	if _, err := netip.ParseAddr(host); err == nil || host == "" {
		return nil
	}
	if !hostName.MatchString(host) || strings.Trim(host, "0123456789.") == "" {
		return usageError("--%s %q: %q is neither an address nor a name of this machine", flag, addr, host)
	}
	return nil
}

// checkPages refuses an address of pages that cannot be listened on, or that others reach without a token. made says that
// one is made up when there is none.
func checkPages(s IO, addr string, made bool) error {
	if err := checkAddress("http", addr); err != nil {
		return err
	}
	token := s.Env(dashboardTokenEnv)
	if token == "" && made {
		return nil
	}
	if err := dashboard.CheckToken(addr, token); err != nil {
		return usageError("--http and $%s: %w", dashboardTokenEnv, err)
	}
	return nil
}

// needs refuses flags that say nothing without another one.
func needs(cmd *cobra.Command, what string, flags ...string) error {
	for _, name := range flags {
		if cmd.Flags().Changed(name) {
			return usageError("--%s: only together with --%s", name, what)
		}
	}
	return nil
}

// daysMax is how long a trace may be made, in days: ten years.
const daysMax = 3660

// checkWorld refuses numbers that no world can be made of. A zero means the default to package simulate, and is never
// what is meant by it.
func checkWorld(cmd *cobra.Command, o *simulate.Options) error {
	for _, n := range []struct {
		flag      string
		value     int
		low, high int
	}{{"tasks", o.Tasks, 1, simulate.TasksMax}, {"days", o.Days, 1, daysMax}, {"seeds", o.Seeds, 1, simulate.SeedsMax}} {
		if n.value < n.low || n.value > n.high {
			return usageError("--%s %d: must be %d to %d", n.flag, n.value, n.low, n.high)
		}
	}
	for _, n := range []struct {
		flag  string
		value float64
		high  float64
	}{{"scale", o.Scale, 1e6}, {"cpu", o.VCPU, 192}, {"memory", o.MemoryGB, 1024}} {
		if !(n.value > 0 && n.value <= n.high) {
			return usageError("--%s %v: must be above 0 and at most %g", n.flag, n.value, n.high)
		}
	}
	for _, n := range []struct {
		flag  string
		value float64
	}{{"slow-share", o.SlowShare}, {"common-share", o.Common}, {"unwarned-share", o.Unwarned}, {"hung-share", o.Hung}} {
		if !(n.value >= 0 && n.value <= 1) {
			return usageError("--%s %v: must be 0 to 1", n.flag, n.value)
		}
	}
	if cmd.Flags().Changed("duration") && o.Duration <= 0 {
		return usageError("--duration %s: must be above 0", o.Duration)
	}
	if len(o.Services) > 0 && len(o.Events) == 0 {
		return usageError("--service: chooses in what --events names; give that too")
	}
	if known := cost.Regions(cost.Arch(o.Arch)); o.Region != "" && !slices.Contains(known, o.Region) {
		return usageError("--region %q: no prices are known; there are those of %s", o.Region, strings.Join(known, ", "))
	}
	return nil
}

// flagNamed names the flag in an error of package simulate, which says what it is about: apart, or first.
func flagNamed(cmd *cobra.Command, err *simulate.OptionError) error {
	if err.Field != "" {
		return usageError("--%s: %w", err.Field, err)
	}
	word, _, _ := strings.Cut(err.Error(), " ")
	if word = strings.TrimSuffix(word, ":"); cmd.Flags().Lookup(word) != nil {
		return usageError("--%w", err)
	}
	return &exitError{ExitUsage, err}
}
