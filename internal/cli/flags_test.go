package cli

import (
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// jargon is what the libraries say that flags and numbers are read with.
var jargon = regexp.MustCompile(`strconv|pars(e|ing)|invalid syntax|invalid argument|time: |needs an argument|value out of range|bare "|ClientException|listen tcp`)

// argsOf are the arguments that a command needs before it looks at its flags.
var argsOf = map[string]string{"apply": "1a2b3c4d", "clean": "1a2b3c4d", "report": "1a2b3c4d", "failover": "api", "restore": "api", "pin": "api spot", "unpin": "api", "pause": "api", "resume": "api", "confirm": "api", "drill": "api --tasks 1", "release": "api", "silence": "api", "unsilence": "api", "ack": "api"}

// wrongByType are values that no flag of a type takes.
func wrongByType(f *pflag.Flag) []string {
	if _, ok := f.Value.(choice); ok {
		return []string{"", "nonsense"}
	}
	switch f.Value.Type() {
	case "int":
		return []string{"", "x", "1.5", "1e3", "99999999999999999999"}
	case "uint64":
		return []string{"", "x", "-1", "99999999999999999999"}
	case "float64":
		return []string{"", "x", "1,5", "1e999"}
	case "duration":
		return []string{"", "x", "5", "5 m"}
	case "bool":
		return []string{"maybe"}
	case "string":
		return []string{""}
	case "stringSlice":
		return []string{"", `a"b`}
	case "stringArray":
		return nil
	}
	return []string{"a type that this test does not know"}
}

// TestEveryFlagRefusesWhatItCannotTake gives every flag of every command values that its type does not take: exit code 2, the flag's
// name, plain words, and no answer.
func TestEveryFlagRefusesWhatItCannotTake(t *testing.T) {
	s, _, _ := testIO("")
	tried := 0
	var walk func(cmd *cobra.Command, path []string)
	walk = func(cmd *cobra.Command, path []string) {
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			if f.Name == "help" {
				return
			}
			for _, v := range wrongByType(f) {
				if v == "" && (f.Name == "reason" || f.Name == "by") || f.Name == "control" && v == "" {
					continue // these say something
				}
				tried++
				refused(t, append(append(path[:len(path):len(path)], strings.Fields(argsOf[cmd.Name()])...), "--"+f.Name+"="+v), "--"+f.Name)
			}
		})
		for _, c := range cmd.Commands() {
			walk(c, append(path[:len(path):len(path)], c.Name()))
		}
	}
	walk(newRoot(s), nil)
	if tried < 200 {
		t.Errorf("only %d values were tried", tried)
	}
}

// refused runs a command that must say what is wrong and do nothing.
func refused(t *testing.T, args []string, says string) {
	t.Helper()
	s, out, errs := testIO("")
	code := Main(t.Context(), args, s)
	text := errs.String()
	if code != ExitUsage || !strings.Contains(text, says) || out.String() != "" {
		t.Errorf("%q ends with %d and says %q and answers %q; want %d and %q", args, code, text, out, ExitUsage, says)
	}
	if said := jargon.FindString(text); said != "" {
		t.Errorf("%q says %q: %s", args, said, text)
	}
}

// TestFlagsRefuseValuesThatMakeNoSense has what is of the right type and wrong all the same.
func TestFlagsRefuseValuesThatMakeNoSense(t *testing.T) {
	for _, line := range []string{
		"sandbox|--tasks|a b=4", "sandbox|--tasks|a=-4", "sandbox|--tasks|a", "sandbox|--tasks|=4", "sandbox|--tasks|a=4,a=5", "sandbox|--on-demand|a=-4", "sandbox|--on-demand|a=4,a=5", "sandbox|--tasks|a/b=4", "sandbox|--cluster|a b",
		"sandbox|--addr|127.0.0.1:99999", "sandbox|--addr|127.0.0.1:http", "sandbox|--addr|localhost", "sandbox|--addr|0.0.0.0:70", "sandbox|--addr|:70", "sandbox|--region|nowhere",
		"sandbox|--speed|0", "sandbox|--speed|NaN", "sandbox|--speed|Inf", "sandbox|--speed|-1",
		"run|--http|nonsense", "run|--http|127.0.0.1", "run|--http|127.0.0.1:99999", "run|--http|999.1.1.1:80", "run|--http|:8080", "run|--http|a b:80", "run|--sandbox-speed|0", "run|--sandbox-speed|NaN",
		"dashboard|--http|nonsense", "dashboard|--http|127.0.0.1:-1", "dashboard|--http|[::1:80", "dashboard|--tasks|4", "dashboard|--seed|4", "dashboard|--trace=calm|--tasks|-4", "dashboard|--trace|nope",
		"dashboard|--trace=calm|--tasks|9999999",
		"demo|--http|nonsense", "demo|--http|0.0.0.0:80", "demo|--addr|127.0.0.1:99999", "demo|--addr|0.0.0.0:80", "demo|--picture|/dev/null/x.svg", "demo|--tasks|0", "demo|--duration|-1m", "demo|--trace|nope.csv",
		"simulate|--days|0", "simulate|--days|9999999", "simulate|--tasks|0", "simulate|--seeds|0", "simulate|--duration|0s", "simulate|--duration|-5m", "simulate|--scale|0", "simulate|--scale|NaN",
		"simulate|--start-up|90", "simulate|--start-up|90s,80s,70s", "simulate|--slow-share|2", "simulate|--hung-share|-1", "simulate|--common-share|NaN", "simulate|--unwarned-share|1.5",
		"simulate|--cpu|0", "simulate|--cpu|NaN", "simulate|--memory|-1", "simulate|--region|nowhere", "simulate|--set|x", "simulate|--set|fill_after=5", "simulate|--sweep|x", "simulate|--out|/dev/null/x",
		"simulate|--journal|--since|yesterday",
		"tune|--days|0", "tune|--held-out|0", "tune|--held-out|1", "tune|--shortfall-target|-1", "tune|--shortfall-target|NaN", "tune|--cpu|0", "tune|--set|nope=1",
		"history|--since|yesterday", "history|--until|x", "history|--until=2h|--since|1h", "history|--limit|0", "history|--kind|gossip",
		"cost|--since|0d", "cost|--since|0h", "cost|--since|soon", "cost|--discount|20", "cost|--discount|NaN", "cost|--on-demand-rate|5", "cost|tasks=5|--what-if=false",
		"cost|tasks=5|cpu=0|--what-if", "cost|tasks=5|spot_share=3|--what-if", "cost|tasks=5|region=nowhere|--what-if",
		"init|--region|us east 1", "init|--twin-name|x", "failover|api|--for|0s", "failover|api|--until|tomorrow", "pin|api|spot|--by|a\x1bb", "pause|api|--by|" + strings.Repeat("a", 600),
	} {
		args := strings.Split(line, "|")
		flag := args[len(args)-1]
		if !strings.HasPrefix(flag, "--") {
			flag = args[len(args)-2]
		}
		flag, _, _ = strings.Cut(flag, "=")
		refused(t, args, flag)
	}
}
