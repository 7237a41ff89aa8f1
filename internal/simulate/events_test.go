package simulate

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/backstop-ecs/backstop/internal/trace"
)

// event is an ECS task state change as EventBridge carries it.
func event(second int, task, last, desired, code string) string {
	at := time.Date(2026, 3, 2, 9, 0, second, 0, time.UTC)
	detail := map[string]any{
		"clusterArn": "arn:aws:ecs:us-east-1:123456789012:cluster/prod", "taskArn": "arn:aws:ecs:us-east-1:123456789012:task/prod/" + task,
		"group": "service:worker-spot", "capacityProviderName": "FARGATE_SPOT", "lastStatus": last, "desiredStatus": desired, "version": second + 1,
		"startedAt": at.Add(-time.Hour).Format(time.RFC3339), "updatedAt": at.Format(time.RFC3339),
	}
	if code != "" {
		detail["stopCode"], detail["stoppedReason"] = code, "Your Spot Task was interrupted."
	}
	b, _ := json.Marshal(map[string]any{"version": "0", "id": fmt.Sprintf("%s-%d-%s", task, second, last), "detail-type": "ECS Task State Change", "source": "aws.ecs",
		"account": "123456789012", "time": at.Format(time.RFC3339), "region": "us-east-1", "resources": []string{"arn:aws:ecs:us-east-1:123456789012:task/prod/" + task}, "detail": detail})
	return string(b)
}

// Two of three tasks ran before the record began; they are interrupted at 60 s and 90 s, and two others run at 300 s and 360 s. A tenth
// event repeats one, as EventBridge may.
func recorded() []string {
	return []string{
		event(0, "aaa", "RUNNING", "RUNNING", ""), event(60, "bbb", "RUNNING", "STOPPED", "SpotInterruption"), event(90, "ccc", "RUNNING", "STOPPED", "SpotInterruption"),
		event(90, "ccc", "RUNNING", "STOPPED", "SpotInterruption"), event(200, "ccc", "STOPPED", "STOPPED", "SpotInterruption"),
		event(300, "ddd", "RUNNING", "RUNNING", ""), event(360, "eee", "RUNNING", "RUNNING", ""), event(600, "fff", "RUNNING", "RUNNING", ""),
	}
}

func TestCapacityIsRebuiltFromRecordedEvents(t *testing.T) {
	lines := recorded()
	stamped := make([]string, len(lines))
	var answer struct {
		Events []map[string]string `json:"events"`
	}
	for i, l := range lines {
		stamped[i] = "2026-03-02T09:00:00.000Z " + l
		answer.Events = append(answer.Events, map[string]string{"message": l})
	}
	asAnswer, _ := json.MarshalIndent(answer, "", "  ")
	for form, text := range map[string]string{"one a line": strings.Join(lines, "\n"), "with timestamps": strings.Join(stamped, "\n"),
		"an answer of filter-log-events": string(asAnswer), "a list": "[" + strings.Join(lines, ",\n") + "]\n"} {
		tr, err := FromEvents(strings.NewReader(text), "record", 10, nil)
		if err != nil {
			t.Errorf("%s: %v", form, err)
			continue
		}
		// Four were seen at once at most, so six of the ten are taken to have run all the time.
		wantAt := []time.Duration{0, time.Minute, 90 * time.Second, 5 * time.Minute, 6 * time.Minute}
		if !slices.Equal(tr.At, wantAt) || !slices.Equal(tr.Values, []int{trace.NoLimit, 8, 7, 8, trace.NoLimit}) || tr.Duration != 10*time.Minute {
			t.Errorf("%s: %v %v over %s", form, tr.At, tr.Values, tr.Duration)
		}
		if err := tr.Check(); err != nil || !strings.Contains(strings.Join(tr.Notes, "\n"), "for 5m0s of 10m0s Spot is taken to hold what ran") {
			t.Errorf("%s: %v, notes %q", form, err, tr.Notes)
		}
	}
	for _, bad := range []string{"", "nothing here\n", "{}\n", `{"source":"aws.ec2","detail-type":"x"}` + "\n"} {
		if _, err := FromEvents(strings.NewReader(bad), "record", 10, nil); err == nil {
			t.Errorf("%q was taken for a record", bad)
		}
	}
}

// TestARecordThatEndsInAShortageIsPlayedOn: what the last loss asks for comes after it.
func TestARecordThatEndsInAShortageIsPlayedOn(t *testing.T) {
	tr, err := FromEvents(strings.NewReader(strings.Join(recorded()[:4], "\n")), "record", 10, nil)
	if err != nil {
		t.Fatal(err)
	}
	if want := 90*time.Second + tail; tr.Duration != want || tr.Values[len(tr.Values)-1] == trace.NoLimit || !strings.Contains(strings.Join(tr.Notes, "\n"), "is played 5m longer") {
		t.Errorf("%v over %s, want %s; notes %q", tr.Values, tr.Duration, want, tr.Notes)
	}
}

func TestASimulationOfRecordedEvents(t *testing.T) {
	file := filepath.Join(t.TempDir(), "events.jsonl")
	if err := os.WriteFile(file, []byte(strings.Join(recorded(), "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := Run(t.Context(), Options{Events: []string{file}, Policies: []string{"spot"}, Tasks: 10}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 1 || got[0].Trace != "events" || got[0].Rows[0].Lost != 3 {
		t.Errorf("%+v", got)
	}
}

// FromEvents is [fromEvents] without which of the services are there.
func FromEvents(r io.Reader, name string, tasks int, services []string) (*trace.Trace, error) {
	t, _, err := fromEvents(r, name, tasks, services)
	return t, err
}
