package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/backstop-ecs/backstop/internal/ecsim"
	"github.com/backstop-ecs/backstop/internal/ledger"
	"github.com/backstop-ecs/backstop/internal/sandbox"
	"github.com/backstop-ecs/backstop/internal/verify"
)

// simulatedAWS serves a sandbox that AWS's variables lead to. Its time runs 200 times faster.
func simulatedAWS(t *testing.T, model sandbox.Model) {
	t.Helper()
	o := sandbox.Options{World: ecsim.Config{Seed: 1, SpotVCPU: 12}, Speed: 200, NoThrottle: true}
	if err := model.Apply(&o.World, &o.Scaling); err != nil {
		t.Fatal(err)
	}
	listener, err := sandbox.New(o).Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	ctx := t.Context()
	go func() { done <- listener.Serve(ctx) }()
	for name, value := range map[string]string{"AWS_ENDPOINT_URL": listener.URL, "AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull} {
		t.Setenv(name, value)
	}
}

// command runs a command line by the clock of this machine.
func command(t *testing.T, args ...string) (code int, out, errs string) {
	t.Helper()
	s, stdout, stderr := testIO("")
	s.Now = time.Now
	code = Main(t.Context(), args, s)
	return code, stdout.String(), stderr.String()
}

func TestVerifyAWSMeasuresReportsAndApplies(t *testing.T) {
	simulatedAWS(t, sandbox.Model{"A12": json.RawMessage("40")})
	dir := t.TempDir()
	run := []string{"verify-aws", "run", "--max-usd", "1", "--only", "A12", "--subnets", "subnet-a", "--switch-role", "arn:aws:iam::123456789012:role/x", "--sandbox-speed", "200", "--dir", dir}
	if code, out, errs := command(t, run...); code != ExitRefused || out != "" || !strings.Contains(errs, "confirm with --yes") {
		t.Fatalf("without a terminal: %d %s%s", code, out, errs)
	}
	if code, _, errs := command(t, append(run, "--yes", "--max-usd", "0.01")...); code != ExitRefused || !strings.Contains(errs, "more than --max-usd 0.01") {
		t.Fatalf("too dear: %d %s", code, errs)
	}
	code, out, errs := command(t, append(run, "--yes")...)
	if code != ExitUnhealthy || !regexp.MustCompile(`\| A12 \|.*\| contradicted \| .[34][0-9]`).MatchString(out) || !strings.Contains(out, "| A1 |") || strings.Contains(out+errs, "123456789012") {
		t.Fatalf("exit code %d\n%s\n%s", code, out, errs)
	}
	id := regexp.MustCompile(`run ([0-9a-f]{8}) in us-east-1`).FindStringSubmatch(errs)[1]
	if code, again, _ := command(t, "verify-aws", "report", id, "--dir", dir); code != ExitUnhealthy || again != out {
		t.Errorf("report: %d\n%s", code, again)
	}
	_, text, _ := command(t, "verify-aws", "report", id, "--dir", dir, "-o", "json")
	var r verify.Report
	if err := json.Unmarshal([]byte(text), &r); err != nil || r.Run != id || r.Ended.IsZero() {
		t.Errorf("%v %+v", err, r)
	}
	if code, html, _ := command(t, "verify-aws", "report", id, "--dir", dir, "-o", "html"); code != ExitUnhealthy || !strings.Contains(html, `class="contradicted">contradicted</td>`) || strings.Contains(html, "123456789012") || strings.Contains(html, "http") {
		t.Errorf("page: %d\n%s", code, html)
	}
	shared := filepath.Join(dir, "shared.jsonl")
	_, _, errs = command(t, "verify-aws", "report", id, "--dir", dir, "--share", shared)
	corpus, err := os.ReadFile(shared)
	events, bad := ledger.ReadCorpus(corpus)
	if err != nil || bad != nil || len(events) < 20 || strings.Contains(string(corpus), "123456789012") || strings.Contains(string(corpus), id) {
		t.Errorf("corpus: %v %v, %d events: %s", err, bad, len(events), errs)
	}
	file := filepath.Join(dir, "model.yaml")
	if code, _, errs := command(t, "verify-aws", "apply", id, "--dir", dir, "--out", file); code != ExitDone {
		t.Errorf("apply: %d %s", code, errs)
	}
	if text, err := os.ReadFile(file); err != nil || !strings.Contains(string(text), "\nA12: ") {
		t.Errorf("%v\n%s", err, text)
	}
	if code, _, errs := command(t, "verify-aws", "clean", id); code != ExitDone || !strings.Contains(errs, "nothing is left of run "+id) {
		t.Errorf("clean: %d %s", code, errs)
	}
}

func TestVerifyAWSPlanShowsEverythingAndChangesNothing(t *testing.T) {
	t.Setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1") // no call is made
	code, out, errs := command(t, "verify-aws", "plan", "--region", "eu-west-1")
	if code != ExitDone {
		t.Fatalf("%d %s", code, errs)
	}
	for _, want := range []string{"At most $1.", "backstop-verify-RUN", "scheduler:CreateSchedule", `"aws:ResourceTag/backstop:verify"`, "10 reads", "iam:PassRole", "servicequotas:GetServiceQuota"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	if code, _, errs := command(t, "verify-aws", "plan", "--region", "nowhere"); code != ExitUsage || !strings.Contains(errs, "--region") {
		t.Errorf("%d %s", code, errs)
	}
}
