package simulate

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// FuzzFromEvents: whatever a file of recorded events holds, it gives an error or a trace that Check takes.
func FuzzFromEvents(f *testing.F) {
	const event = `{"version":"0","id":"1","detail-type":"ECS Task State Change","source":"aws.ecs","account":"111122223333","time":"2026-11-01T00:00:00Z",` +
		`"region":"us-east-1","resources":["arn:aws:ecs:us-east-1:111122223333:task/c/a"],"detail":{"clusterArn":"arn:aws:ecs:us-east-1:111122223333:cluster/c",` +
		`"capacityProviderName":"FARGATE_SPOT","group":"service:s","lastStatus":"RUNNING","desiredStatus":"STOPPED","stopCode":"SpotInterruption",` +
		`"stoppedReason":"Your Spot Task was interrupted.","taskArn":"arn:aws:ecs:us-east-1:111122223333:task/c/a","version":3}}`
	for _, s := range []string{event + "\n", "2026-11-01T00:00:00.000Z " + event, "[" + event + "]", `{"events":[{"message":` + event + `}]}`, "[", "{}", "hello\n\x00"} {
		f.Add([]byte(s), 10)
	}
	for name := range exports() {
		text, err := os.ReadFile(filepath.Join("testdata", "exports", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text, 12)
	}
	f.Fuzz(func(t *testing.T, text []byte, tasks int) {
		tr, err := FromEvents(bytes.NewReader(text), "f", min(max(tasks, 1), 5000), nil)
		if err != nil {
			return
		}
		if tr.Duration == 0 {
			tr.Duration = time.Minute // one event: the caller says how long
		}
		if err := tr.Check(); err != nil {
			t.Fatalf("%q: %v", text, err)
		}
	})
}
