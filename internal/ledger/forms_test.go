package ledger_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/backstop-ecs/backstop/internal/ledger"
)

const taskEvent = `{"id":"%d","source":"aws.ecs","detail-type":"ECS Task State Change","region":"eu-west-1","time":"2026-11-29T12:00:00Z","resources":[],"detail":{"clusterArn":"arn:aws:ecs:eu-west-1:210987654321:cluster/prod",
"taskArn":"arn:aws:ecs:eu-west-1:210987654321:task/prod/0123456789abcdef0123456789abcde%[1]d","group":"service:shop","capacityProviderName":"FARGATE_SPOT","version":%[1]d,"createdAt":"2026-11-29T11:00:00Z",%s}}`

const actionEvent = `{"id":"a","source":"aws.ecs","detail-type":"ECS Service Action","region":"eu-west-1","time":"2026-11-29T12:00:00Z","resources":["arn:aws:ecs:eu-west-1:210987654321:service/prod/shop"],
"detail":{"eventName":"SERVICE_TASK_PLACEMENT_FAILURE","clusterArn":"arn:aws:ecs:eu-west-1:210987654321:cluster/prod","capacityProviderArns":["arn:aws:ecs:eu-west-1:210987654321:capacity-provider/FARGATE_SPOT"],"reason":"%s"}}`

// TestFormsThatTheLedgerDoesNotHaveAreNamed: what a single event shows.
func TestFormsThatTheLedgerDoesNotHaveAreNamed(t *testing.T) {
	warned := func(more string) string {
		return fmt.Sprintf(taskEvent, 5, `"lastStatus":"RUNNING","desiredStatus":"STOPPED","startedAt":"2026-11-29T11:01:00Z",`+more)
	}
	for name, c := range map[string]struct {
		event, row, observed string
	}{
		"as documented":                   {warned(`"stopCode":"SpotInterruption","stoppedReason":"Your Spot Task was interrupted."`), "", ""},
		"of 2023":                         {warned(`"stopCode":"TerminationNotice","stoppedReason":"Your Spot Task was interrupted."`), "A10", "TerminationNotice"},
		"of 2021":                         {warned(`"stoppedReason":"Your Spot Task was interrupted."`), "A10", "no stopCode"},
		"with new words":                  {warned(`"stopCode":"SpotInterruption","stoppedReason":"Spot capacity was reclaimed."`), "A10", "another stoppedReason"},
		"of a person":                     {warned(`"stopCode":"UserInitiated","stoppedReason":"because"`), "", ""},
		"a shortage":                      {fmt.Sprintf(actionEvent, "RESOURCE:FARGATE"), "", ""},
		"a shortage with a new reason":    {fmt.Sprintf(actionEvent, "RESOURCE:FARGATE_SPOT"), "A26", ""},
		"a launch that hung":              {fmt.Sprintf(taskEvent, 4, `"lastStatus":"STOPPED","desiredStatus":"STOPPED","stopCode":"TaskFailedToStart","stoppedReason":"Capacity is unavailable at this time. Please try again later."`), "A23", ""},
		"an image that is not there":      {fmt.Sprintf(taskEvent, 4, `"lastStatus":"STOPPED","desiredStatus":"STOPPED","stopCode":"TaskFailedToStart","stoppedReason":"CannotPullContainerError: no"`), "", ""},
		"what is no event":                {`{"source":"aws.ecs","detail":7}`, "", ""},
		"an event of a service elsewhere": {`{"id":"x","source":"aws.ec2","time":"2026-11-29T12:00:00Z"}`, "", ""},
	} {
		var w ledger.Watch
		if e, ok := ledger.ReadEvent([]byte(c.event)); ok {
			w.Event(e)
		}
		var rows []string
		for _, f := range w.Seen.Findings {
			rows = append(rows, f.Row)
			if !strings.Contains(f.Observed, c.observed) || len(f.Evidence) != 1 || strings.Contains(string(f.Evidence[0]), "210987654321") {
				t.Errorf("%s: %+v", name, f)
			}
		}
		if want := strings.Fields(c.row); !slices.Equal(rows, want) {
			t.Errorf("%s: found %v, want %v", name, rows, want)
		}
	}
}

func TestWhatTwoGuardsHaveLearnedIsOne(t *testing.T) {
	a := ledger.Seen{Tallies: map[string]ledger.Tally{"A8/x": {N: 7, Off: 1}, "A9/y": {N: 1}}, Findings: []ledger.Finding{{Row: "A9", Observed: "later"}}}
	b := ledger.Seen{Tallies: map[string]ledger.Tally{"A8/x": {N: 3}, "A9/y": {N: 4}}, Findings: []ledger.Finding{{Row: "A10"}}}
	got := ledger.Merge(a, b)
	if got.Tallies["A8/x"].N != 7 || got.Tallies["A9/y"].N != 4 || len(got.Findings) != 2 || got.Findings[0].Row != "A10" {
		t.Errorf("%+v", got)
	}
	if again := ledger.Merge(got, b); len(again.Findings) != 2 || again.Tallies["A8/x"].N != 7 {
		t.Errorf("merged twice: %+v", again)
	}
}
