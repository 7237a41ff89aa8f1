package cli

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// badInput is one thing that people get wrong, or that somebody hostile hands in.
type badInput struct {
	what string            // in words
	args string            // the command line; words are separated by spaces
	file map[string]string // files of the directory that it is run in
	in   string            // standard input
	env  map[string]string
	code int
	says string // a part of what is printed on stderr
}

const twoPools = `    pools:
      - {name: spot, cluster: c, service: s-spot, capacity: FARGATE_SPOT}
      - {name: standard, cluster: c, service: s-standard, capacity: FARGATE}
`

func badInputs() []badInput {
	yaml := func(workload string) map[string]string {
		return map[string]string{"b.yaml": "version: 1\nregion: us-east-1\nworkloads:\n  - name: api\n" + workload}
	}
	validate := "config validate b.yaml"
	return []badInput{
		{what: "an unknown command", args: "statsu", code: ExitUsage, says: `status`},
		{what: "an unknown flag", args: "status --al", code: ExitUsage, says: `--al`},
		{what: "a configuration that is not there", args: validate, code: ExitUsage, says: "b.yaml is not there"},
		{what: "an empty configuration", args: validate, file: map[string]string{"b.yaml": ""}, code: ExitUsage, says: "b.yaml: is empty"},
		{what: "YAML that is none", args: validate, file: map[string]string{"b.yaml": "version: 1\nworkloads: [\n"}, code: ExitUsage, says: "b.yaml:"},
		{what: "bytes that are no text", args: validate, file: map[string]string{"b.yaml": "\x00\xff\xfe"}, code: ExitUsage, says: "b.yaml: is not YAML"},
		{what: "a misspelt key", args: validate, file: map[string]string{"b.yaml": "version: 1\nworklods: []\n"}, code: ExitUsage, says: `b.yaml:2:1`},
		{what: "a key that is there twice", args: validate, file: map[string]string{"b.yaml": "version: 1\nversion: 1\n"}, code: ExitUsage, says: "b.yaml:2:1"},
		{what: "a policy field out of its range", args: validate, file: yaml("    policy: {preset: fill, overstart: 7}\n" + twoPools), code: ExitUsage, says: "b.yaml:5:"},
		{what: "a duration without a unit", args: validate, file: yaml("    policy: {preset: fill, start_limit: 10}\n" + twoPools), code: ExitUsage, says: "b.yaml:5:"},
		{what: "one service in two pools", args: validate, file: yaml(strings.Replace(twoPools, "s-standard", "s-spot", 1)), code: ExitUsage, says: "b.yaml:"},
		{what: "tasks to start again, and no events", args: validate, file: yaml(twoPools + "tasks: [{cluster: jobs, security_groups: [sg-1]}]\n"), code: ExitUsage, says: "needs the events of ECS"},
		{what: "YAML whose aliases multiply", args: validate, file: map[string]string{"b.yaml": aliasBomb()}, code: ExitUsage, says: "b.yaml:"},
		{what: "a configuration of 3 MB", args: validate, file: map[string]string{"b.yaml": strings.Repeat("# filler\n", 350_000)}, code: ExitUsage, says: "b.yaml"},
		{what: "nesting 100,000 deep", args: validate, file: map[string]string{"b.yaml": strings.Repeat("[", 100_000)}, code: ExitUsage, says: "b.yaml:1"},
		{what: "a webhook at the metadata service", args: validate, file: notifying("{webhook: {url: 'https://169.254.169.254/t0ps3cret'}}"), code: ExitUsage, says: "metadata service"},
		{what: "a webhook's URL with a password", args: validate, file: notifying("{slack: {url: 'https://me:t0ps3cret@hooks.example.com/'}}"), code: ExitUsage, says: "no password"},
		{what: "a webhook's URL under the wrong key", args: validate, file: notifying("{sns: 'https://hooks.example.com/t0ps3cret'}"), code: ExitUsage, says: "https://hooks.example.com/[redacted]"},
		{what: "a trace that is not there", args: "simulate --trace none.csv", code: ExitUsage, says: "none.csv"},
		{what: "a trace with a word for a number", args: "simulate --trace t.csv", file: map[string]string{"t.csv": "seconds,spot\n0,lots\n"}, code: ExitUsage, says: "t.csv:2:3"},
		{what: "a trace whose time goes back", args: "simulate --trace t.csv", file: map[string]string{"t.csv": "seconds,spot\n10,1\n5,2\n"}, code: ExitUsage, says: "t.csv:3:1"},
		{what: "a trace with a row cut off", args: "simulate --trace t.csv", file: map[string]string{"t.csv": "seconds,spot,demand\n0,1,5\n60,1"}, code: ExitUsage, says: "t.csv:3:"},
		{what: "a trace of one line of a megabyte", args: "simulate --trace t.csv", file: map[string]string{"t.csv": strings.Repeat("9", 1<<20)}, code: ExitUsage, says: "longer than"},
		{what: "a misspelt column", args: "simulate --trace t.csv", file: map[string]string{"t.csv": "seconds,on-demand\n0,1\n"}, code: ExitUsage, says: `did you mean "on_demand"`},
		{what: "a trace without an end", args: "simulate --trace /dev/zero", code: ExitUsage, says: "zero:1:1"},
		{what: "an unknown policy", args: "simulate --policy magic", code: ExitUsage, says: `unknown policy "magic"`},
		{what: "a sweep without units", args: "simulate --sweep start_limit=1", code: ExitUsage, says: "must carry its unit"},
		{what: "a page to play with for other machines", args: "play --http 0.0.0.0:7079", code: ExitUsage, says: "for this machine alone"},
		{what: "a page to play with in a directory that is not there", args: "play --write none/play.html", code: ExitUsage, says: "none/play.html: its directory does not exist"},
		{what: "recorded events that are none", args: "simulate --events e.json", file: map[string]string{"e.json": "hello"}, code: ExitUsage, says: "e.json: read events"},
		{what: "recorded events, cut off in the middle", args: "simulate --events e.json", file: map[string]string{"e.json": `{"detail-type":"ECS Task State Change","source":"aws.ecs","detail":{"cl`}, code: ExitUsage, says: "line 1"},
		{what: "recorded events without an end", args: "simulate --events /dev/zero", code: ExitUsage, says: "/dev/zero"},
		{what: "recorded events of two services", args: "simulate --events e.json", file: map[string]string{"e.json": spotStart("api") + spotStart("web")}, code: ExitUsage, says: "choose with --service: c/api, c/web"},
		{what: "a service that no recorded event is of", args: "tune --events e.json --service c/wbe", file: map[string]string{"e.json": spotStart("web")}, code: ExitUsage, says: "there are tasks of c/web"},
		{what: "recorded events among other lines", args: "simulate --events e.json", file: map[string]string{"e.json": spotStart("web") + strings.Repeat("START\n", 11)}, code: ExitUsage, says: "line 2, line 3, line 4"},
		{what: "one recorded event", args: "simulate --events e.json", file: map[string]string{"e.json": spotStart("web")}, code: ExitUsage, says: "--duration"},
		{what: "recorded events in a zip archive", args: "simulate --events e.zip", file: map[string]string{"e.zip": "PK\x03\x04"}, code: ExitUsage, says: "unpack it first"},
		{what: "a service without recorded events", args: "simulate --service c/web", code: ExitUsage, says: "--service"},
		{what: "a demo of an unknown scenario", args: "demo --scenario nope", code: ExitUsage, says: "nope"},
		{what: "a run of verify-aws without a bound", args: "verify-aws run --yes", code: ExitUsage, says: "--max-usd"},
		{what: "a bound that is no amount", args: "verify-aws run --max-usd -1", code: ExitUsage, says: "--max-usd"},
		{what: "a target group that is none", args: "verify-aws run --max-usd 2 --subnets subnet-1 --switch-role arn:aws:iam::123456789012:role/x --target-group web", code: ExitUsage, says: "--target-group"},
		{what: "a row that no experiment observes", args: "verify-aws plan --region us-east-1 --only A999", code: ExitUsage, says: "A999"},
		{what: "a policy that is not tried", args: "doctor --policy policy.json", code: ExitUsage, says: "--live"},
		{what: "a policy that is no JSON", args: "doctor --live --policy policy.json", file: map[string]string{"policy.json": "statement {}"}, code: ExitUsage, says: "is not JSON"},
		{what: "a watch of days that are no time", args: "verify-aws watch --days -1", code: ExitUsage, says: "--days"},
		{what: "a run that is none", args: "verify-aws clean ../../etc", code: ExitUsage, says: "eight hexadecimal digits"},
		{what: "the report of a run that is not there", args: "verify-aws report 1a2b3c4d", code: ExitUsage, says: "backstop-verify-1a2b3c4d.json is not there"},
		{what: "a report that was cut off", args: "verify-aws apply 1a2b3c4d", file: map[string]string{"backstop-verify-1a2b3c4d.json": `{"version": 1, "run": "1a2b`}, code: ExitUsage, says: "backstop-verify-1a2b3c4d.json"},
		{what: "a model with a number that has no knob", args: "sandbox --model m.yaml", file: map[string]string{"m.yaml": "A13: 5\nA999: 1\n"}, code: ExitUsage, says: "m.yaml:2"},
		{what: "a model without an end", args: "simulate --model /dev/zero", code: ExitUsage, says: "--model"},
		{what: "a sandbox for the whole network", args: "sandbox --addr 0.0.0.0:7070", code: ExitUsage, says: "must be a loopback address"},
		{what: "the daemon's pages for the whole network, without a token", args: "run -c b.yaml --http 0.0.0.0:8080", file: yaml(twoPools), code: ExitUsage, says: "token"},
		{what: "a mirror of no region", args: "sandbox --like europe", code: ExitUsage, says: `--like "europe": must have the form of AWS's regions`},
		{what: "a day that there is none of", args: "sandbox --trace nowhere.csv", code: ExitUsage, says: "--trace: "},
		{what: "a word for a number", args: "sandbox --seed lots", code: ExitUsage, says: `--seed: "lots" is not a whole number`},
		{what: "a duration of a flag without a unit", args: "demo --duration 10", code: ExitUsage, says: `--duration: "10" is not a duration`},
		{what: "a port that is none", args: "sandbox --addr 127.0.0.1:99999", code: ExitUsage, says: "the port must be 0 to 65535"},
		{what: "a name for a twin that ECS does not take", args: "adopt web --twin-name a/b", code: ExitUsage, says: `--twin-name "a/b": must be letters`},
		{what: "tags of a task that come from nowhere", args: "run-task --task-definition job --propagate-tags SERVICE", code: ExitUsage, says: "--propagate-tags SERVICE: must be TASK_DEFINITION or NONE"},
		{what: "a tag that is the guard's", args: "run-task --task-definition job --tags key=backstop:retry,value=1", code: ExitUsage, says: "--retry-interrupted starts"},
		{what: "logs of tasks that are not waited for", args: "run-task --task-definition job --follow", code: ExitUsage, says: "--follow: only together with --wait"},
		{what: "a state machine for several tasks", args: "run-task --task-definition job --asl --count 2", code: ExitUsage, says: "an execution runs one task"},
		{what: "a tag that is the run's own", args: "run-task --task-definition job --tags key=backstop:losses,value=1", code: ExitUsage, says: "are the run's own"},
		{what: "a pool with an empty subnet", args: "run-task --task-definition job --pool FARGATE=subnet-a,,subnet-b", code: ExitUsage, says: "with subnets as FARGATE_SPOT=subnet-1,subnet-2"},
		{what: "a pool with no subnet after =", args: "run-task --task-definition job --pool FARGATE=", code: ExitUsage, says: "with subnets as FARGATE_SPOT=subnet-1,subnet-2"},
		{what: "a starter that ECS does not take", args: "run-task --task-definition job --started-by a:b", code: ExitUsage, says: "--started-by \"a:b\": must be at most 128 letters"},
		{what: "a state machine that waits for half a second", args: "run-task --task-definition job --asl --wait --start-within 500ms", code: ExitUsage, says: "must be whole seconds"},
		{what: "a region of run-task that is none", args: "run-task --task-definition job --region europe", code: ExitUsage, says: `--region "europe": must have the form of AWS's regions`},
		{what: "a file of overrides that is not there", args: "run-task --task-definition job --overrides file://none.json", code: ExitUsage, says: "--overrides: open none.json"},
		{what: "a file of tags without an end", args: "run-task --task-definition job --tags file:///dev/zero", code: ExitUsage, says: "--tags: /dev/zero has more than 1048576 bytes"},
		{what: "a tag without a key", args: "run-task --task-definition job --tags key=,value=shop", code: ExitUsage, says: "a tag has no key"},
		{what: "a service and all services", args: "adopt web --list", code: ExitUsage, says: "one of SERVICE, --list and --all"},
		{what: "a name that ECS does not take", args: "sandbox --tasks a/b=4", code: ExitUsage, says: "the name must be letters"},
		{what: "an address that is none", args: "run -c b.yaml --http nonsense", file: yaml(twoPools), code: ExitUsage, says: "must be HOST:PORT"},
		{what: "a flag whose variable is not set", args: "status --config=", code: ExitUsage, says: "--config: must not be empty"},
		{what: "two flags that exclude each other", args: "pause api --for 1h --until 2027-01-01T00:00:00Z", code: ExitUsage, says: "--for and --until"},
		{what: "help for a command that is not there", args: "help statsu", code: ExitUsage, says: "did you mean status"},
		{what: "a drill of no tasks", args: "drill api -c b.yaml", file: yaml(twoPools), code: ExitUsage, says: "--tasks 1"},
		{what: "an order for a workload that is not there", args: "pause nobody -c b.yaml --reason x", file: yaml(twoPools), code: ExitUsage, says: "nobody"},
		{what: "an order that nobody confirms", args: "pause api -c b.yaml --reason x", file: yaml(twoPools), code: ExitRefused, says: "confirm with --yes"},
		{what: "an order that ends in the past", args: "pause api -c b.yaml --reason x --until 2020-01-01T00:00:00Z", file: yaml(twoPools), code: ExitUsage, says: "2020-01-01"},
		{what: "a state file that is damaged", args: "status -c b.yaml", file: withState(yaml("    policy: fill\n"+twoPools), strings.Repeat("not a database ", 400)), code: ExitFailed, says: "state.db"},
		{what: "a state path that is a directory", args: "run -c b.yaml", file: withDir(yaml(twoPools)), code: ExitFailed, says: "state.db"},
		{what: "a state path in a directory that is not there", args: "run -c b.yaml", file: map[string]string{"b.yaml": "version: 1\nregion: us-east-1\nstate: {sqlite: /nonexist/x.db}\nworkloads:\n  - name: api\n" + twoPools}, code: ExitUsage, says: "its directory does not exist"},
		{what: "a what-if with a word for a number", args: "cost --what-if tasks=many", code: ExitUsage, says: "tasks"},
		{what: "a what-if of a size that Fargate does not have", args: "cost --what-if tasks=5 cpu=3", code: ExitUsage, says: "no task on Fargate has 3 vCPU; there are 0.25"},
		{what: "an unknown kind of history", args: "history -c b.yaml --kind gossip", file: yaml(twoPools), code: ExitUsage, says: "gossip"},
	}
}

// notifying is a configuration with one receiver of notices.
func notifying(receiver string) map[string]string {
	return map[string]string{"b.yaml": "version: 1\nregion: us-east-1\nnotify:\n  - " + receiver + "\nworkloads:\n  - name: api\n" + twoPools}
}

// spotStart is an event of a Spot task that runs.
func spotStart(service string) string {
	return `{"id":"1","detail-type":"ECS Task State Change","source":"aws.ecs","account":"111122223333","time":"2026-11-01T00:00:00Z","region":"us-east-1","detail":{` +
		`"clusterArn":"arn:aws:ecs:us-east-1:111122223333:cluster/c","capacityProviderName":"FARGATE_SPOT","group":"service:` + service + `","lastStatus":"RUNNING",` +
		`"desiredStatus":"RUNNING","taskArn":"arn:aws:ecs:us-east-1:111122223333:task/c/` + service + `"}}` + "\n"
}

// withState puts a file where the state is kept; withDir a directory.
func withState(files map[string]string, text string) map[string]string {
	files["b.yaml"] += "state: {sqlite: state.db}\n"
	files["state.db"] = text
	return files
}

func withDir(files map[string]string) map[string]string {
	files["b.yaml"] += "state: {sqlite: state.db}\n"
	files["state.db/file"] = ""
	return files
}

// aliasBomb is a small YAML file that means ten to the ninth strings.
func aliasBomb() string {
	var b strings.Builder
	b.WriteString("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n")
	for i := 1; i < 9; i++ {
		fmt.Fprintf(&b, "a%d: &a%d [%s]\n", i, i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d, ", i-1), 10), ", "))
	}
	return b.String()
}

const badInputPage = "../../docs/bad-input.md"

// TestBadInput hands in everything of the table, holds what is said and the exit code, that nothing is printed as an answer, that it
// ends within seconds, and that docs/bad-input.md says what was seen (-update writes it).
func TestBadInput(t *testing.T) {
	file, err := filepath.Abs(badInputPage)
	if err != nil {
		t.Fatal(err)
	}
	var page strings.Builder
	page.WriteString("# Bad input\n\nWhat people get wrong, and what hostile input does: nothing is done, and the place is named. `go test ./internal/cli -run TestBadInput -update` hands\n" +
		"in each of these and writes this page. Exit codes: 1 failed, 2 wrong input, 4 refused.\n\n| input | command | what the user sees (the line that matters) | exit code |\n| --- | --- | --- | --- |\n")
	for _, c := range badInputs() {
		dir := t.TempDir()
		for name, text := range c.file {
			path := filepath.Join(dir, name)
			if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		code, stdout, stderr := runIn(t, dir, c)
		if code != c.code || !strings.Contains(stderr, c.says) {
			t.Errorf("%s: `backstop %s` ends with %d, want %d, and says\n%s\nwhich should have %q", c.what, c.args, code, c.code, stderr, c.says)
		}
		if stdout != "" {
			t.Errorf("%s: `backstop %s` answers %q", c.what, c.args, stdout)
		}
		if strings.Contains(stderr, "goroutine ") || strings.Contains(stderr, "panic") {
			t.Errorf("%s: `backstop %s` breaks down:\n%s", c.what, c.args, stderr)
		}
		fmt.Fprintf(&page, "| %s | `backstop %s` | %s | %d |\n", c.what, c.args, cell(stderr, c.says), code)
	}
	if *update {
		if err := os.WriteFile(file, []byte(page.String()), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if have, err := os.ReadFile(file); err != nil || string(have) != page.String() {
		t.Errorf("docs/bad-input.md is stale (%v): run go test ./internal/cli -run TestBadInput -update", err)
	}
}

// runIn runs a command in a directory of its own.
func runIn(t *testing.T, dir string, c badInput) (code int, stdout, stderr string) {
	t.Helper()
	t.Chdir(dir)
	env := map[string]string{"HOME": dir, "USER": "tester", "NO_COLOR": "1", "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "y"}
	for k, v := range c.env {
		env[k] = v
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	var out, errs bytes.Buffer
	code = Main(ctx, strings.Fields(c.args), IO{In: strings.NewReader(c.in), Out: &out, Err: &errs,
		Env: func(k string) string { return env[k] }, Now: func() time.Time { return time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC) }})
	if ctx.Err() != nil {
		t.Errorf("%s: `backstop %s` does not end", c.what, c.args)
	}
	return code, out.String(), strings.ReplaceAll(errs.String(), dir+"/", "")
}

var spaces = regexp.MustCompile(`\s+`)

// cell is the line of what was said that matters, for a table.
func cell(text, matters string) string {
	for line := range strings.Lines(text) {
		if !strings.Contains(line, matters) {
			continue
		}
		line = strings.TrimSpace(spaces.ReplaceAllString(line, " "))
		const most = 160
		if r := []rune(line); len(r) > most {
			line = string(r[:most]) + "..."
		}
		return "`" + strings.NewReplacer("|", `\|`, "`", "'").Replace(line) + "`"
	}
	return ""
}
