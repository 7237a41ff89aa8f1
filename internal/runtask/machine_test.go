package runtask_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/backstop-ecs/backstop/internal/asl"
	"github.com/backstop-ecs/backstop/internal/ecsevent"
	"github.com/backstop-ecs/backstop/internal/runtask"
)

// stops are stopped tasks of many kinds.
func stops() (all []types.Task) {
	lasting, infrastructure, scheduler := ecsevent.Texts()
	reasons := append(slices.Concat(lasting, infrastructure, scheduler), "", runtask.SlowReason, runtask.EndReason, strings.ToUpper(ecsevent.DrillReason), "Your Spot Task was interrupted.",
		"SpotInterruption: reclaimed", "ResourcesNotAvailable", "Capacity is unavailable at this time. Please try again later or in a different availability zone", "Task stopped by user",
		"Scaling activity initiated by (deployment ecs-svc/1)", "CannotPullContainerError: Capacity is unavailable", "a text that nobody has seen", "resources are not there")
	codes := append(types.TaskStopCode("").Values(), "", "NewCode")
	for _, code := range codes {
		for _, reason := range reasons {
			for _, on := range []string{"FARGATE_SPOT", "FARGATE", ""} {
				for _, started := range []bool{false, true} {
					for _, exit := range []int32{-1, 0, 3} {
						t := types.Task{LastStatus: aws.String("STOPPED"), DesiredStatus: aws.String("STOPPED"), StopCode: code, StoppedReason: aws.String(reason),
							Containers: []types.Container{{Name: aws.String("side"), ExitCode: aws.Int32(0)}, {Name: aws.String("job")}}}
						if on != "" {
							t.CapacityProviderName = &on
						}
						if started {
							t.StartedAt = aws.Time(time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC))
						}
						if exit >= 0 {
							t.Containers[1].ExitCode = &exit
						}
						all = append(all, t)
					}
				}
			}
		}
	}
	return all
}

// TestTheMachineJudgesAsTheCommandDoes compares the state machine's expression with this package's judge.
func TestTheMachineJudgesAsTheCommandDoes(t *testing.T) {
	dir := os.Getenv("BACKSTOP_ASL")
	if dir == "" {
		t.Skip("SKIPPED: make asl evaluates the machine's expression (npm)")
	}
	text, err := asl.Template()
	if err != nil {
		t.Fatal(err)
	}
	var machine struct {
		States struct {
			Look struct{ Assign struct{ Seen string } }
		}
	}
	if err := json.Unmarshal(text, &machine); err != nil {
		t.Fatal(err)
	}
	expression := strings.TrimSuffix(strings.TrimPrefix(machine.States.Look.Assign.Seen, "{% "), " %}")
	var in strings.Builder
	all := stops()
	for i := range all {
		shown := map[string]any{"Tasks": []any{withoutNull(t, all[i])}}
		result, err := json.Marshal(shown)
		if err != nil {
			t.Fatal(err)
		}
		line, err := json.Marshal(fmt.Sprintf(`($states := {"result": %s}; $main := "job"; %s)`, result, expression))
		if err != nil {
			t.Fatal(err)
		}
		in.Write(append(line, '\n'))
	}
	cmd := exec.CommandContext(t.Context(), "node", "../asl/testdata/jsonata.js")
	cmd.Env, cmd.Stdin, cmd.Stderr = append(os.Environ(), "NODE_PATH="+filepath.Join(dir, "node_modules")), strings.NewReader(in.String()), os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	ends := map[runtask.End][]string{runtask.Finished: {"done", "exited"}, runtask.Lost: {"lost"}, runtask.NotStarted: {"not started"}, runtask.Failed: {"failed", "exited"}}
	lines, wrong := bufio.NewScanner(strings.NewReader(string(out))), 0
	for i := range all {
		var got struct {
			Error string
			Value struct {
				End  string
				Code int
			}
		}
		if !lines.Scan() || json.Unmarshal(lines.Bytes(), &got) != nil || got.Error != "" {
			t.Fatalf("%d: %s", i, lines.Bytes())
		}
		want := ends[runtask.EndOf(&all[i], "job")]
		if code := all[i].Containers[1].ExitCode; !slices.Contains(want, got.Value.End) || (got.Value.End == "done") != (code != nil && *code == 0) {
			if wrong++; wrong < 10 {
				t.Errorf("%s %q on %s, started %v, exit code %v: the machine says %q, want one of %v", all[i].StopCode, *all[i].StoppedReason,
					aws.ToString(all[i].CapacityProviderName), all[i].StartedAt != nil, code, got.Value.End, want)
			}
		}
	}
	t.Logf("%d stops, %d judged otherwise", len(all), wrong)
}

// withoutNull is a task as Step Functions gives it: what is not set is not there.
func withoutNull(t *testing.T, task types.Task) map[string]any {
	t.Helper()
	text, err := json.Marshal(task)
	if err != nil {
		t.Fatal(err)
	}
	var out map[string]any
	if err := json.Unmarshal(text, &out); err != nil {
		t.Fatal(err)
	}
	var clean func(v any) any
	clean = func(v any) any {
		switch v := v.(type) {
		case map[string]any:
			for k, one := range v {
				if one == nil || one == "" {
					delete(v, k)
				} else {
					v[k] = clean(one)
				}
			}
		case []any:
			for i := range v {
				v[i] = clean(v[i])
			}
		}
		return v
	}
	return clean(out).(map[string]any)
}
