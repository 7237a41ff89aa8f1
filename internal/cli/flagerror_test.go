package cli

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

// TestAMistypedLineIsHelped: what was probably meant, and the command's own help.
func TestAMistypedLineIsHelped(t *testing.T) {
	for _, v := range []struct{ line, says, help string }{
		{"sandbox --listen 127.0.0.1:1", "unknown flag --listen of sandbox; did you mean --addr?", "Try `backstop sandbox --help`."},
		{"status --clustr prod", "unknown flag --clustr of status; did you mean --cluster?", "Try `backstop status --help`."},
		{"status --xyzzy", "unknown flag --xyzzy of status\n", "Try `backstop status --help`."},
		{"failover", "backstop: failover needs a workload, --cluster, --label or --all\n", "Try `backstop failover --help`."},
		{"pause api --for -5m", `--for: "-5m" is not a duration above 0 such as 90s, 30m, 24h or 2d`, "Try `backstop pause --help`."},
		{"history --since -5m", `--since "-5m": must be how long ago (30d, 24h, 90m)`, "Try `backstop history --help`."},
		{"status -c nowhere.yaml", "`backstop init` writes one from your services", "Try `backstop status --help`."},
	} {
		_, errs := runs(t, ExitUsage, strings.Fields(v.line)...)
		if !strings.Contains(errs, v.says) || !strings.Contains(errs, v.help) {
			t.Errorf("%s: it says\n%s\nwant %q and %q", v.line, errs, v.says, v.help)
		}
	}
}

func TestMissingCredentialsComeWithAHint(t *testing.T) {
	var b bytes.Buffer
	sayError(&b, errors.New("list clusters: operation error ECS: ListClusters, get identity: get credentials: failed to refresh cached credentials, no EC2 IMDS role found"), "backstop init --help")
	if !strings.Contains(b.String(), "hint: no AWS credentials were found: set AWS_PROFILE") {
		t.Error(b.String())
	}
}
