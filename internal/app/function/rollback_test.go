package function_test

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/backstop-ecs/backstop/internal/app/function"
	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/ecsim"
	"github.com/backstop-ecs/backstop/internal/failover"
)

// TestAnOldZipOnANewerStateActsOnNothingAndErasesNothing is a rollback: the function that was installed again finds a state that a newer one
// wrote. It must not act on what it understands of it, as it would write that back without the rest; and it must say so.
func TestAnOldZipOnANewerStateActsOnNothingAndErasesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 3, "api", "web")
	newer := control.Record{State: failover.State{Version: failover.StateVersion + 1, Workload: "api", Generation: 1, Seen: failover.Seen{At: start}}}
	if err := w.store().Commit(t.Context(), "newer", newer, start, nil); err != nil {
		t.Fatal(err)
	}
	before := w.item("api")
	f := w.function(function.Options{Metrics: io.Discard})
	w.supply(0) // everything is lost, and covered where the state can be read
	w.box.World(func(e *ecsim.World) {
		for _, name := range w.names {
			e.Interrupt(ecsim.Ref{Region: region, Cluster: cluster, Service: name + "-spot"}, 3, "", false)
		}
	})
	for range 5 {
		w.box.AdvanceTo(w.box.Now().Add(time.Minute))
		// An error of the invocation, so that the alarm on errors rings.
		if _, err := f.Invoke(t.Context(), schedule); err == nil || !strings.Contains(err.Error(), failover.ErrNewerState.Error()) {
			t.Fatalf("the invocation says %v, want %v", err, failover.ErrNewerState)
		}
	}
	if _, standard := w.working("api"); standard != 0 {
		t.Errorf("it started %d on-demand tasks of the workload whose state it cannot read", standard)
	}
	if _, standard := w.working("web"); standard != 3 {
		t.Errorf("its neighbour is covered by %d tasks, want 3", standard)
	}
	if after := w.item("api"); after != before {
		t.Errorf("the state was\n%s\nand is\n%s", before, after)
	}
}

// item is all that the table has of a workload's state, as text.
func (w *world) item(name string) string {
	w.t.Helper()
	out, err := dynamodb.NewFromConfig(w.aws()).GetItem(w.t.Context(), &dynamodb.GetItemInput{TableName: aws.String(table), Key: map[string]types.AttributeValue{
		"pk": &types.AttributeValueMemberS{Value: name}, "sk": &types.AttributeValueMemberS{Value: "state"}}})
	if err != nil || len(out.Item) == 0 {
		w.t.Fatalf("read the item of %s: %v", name, err)
	}
	var text []string
	for key, value := range out.Item {
		text = append(text, fmt.Sprintf("%s: %+v", key, value))
	}
	slices.Sort(text)
	return strings.Join(text, "\n")
}
