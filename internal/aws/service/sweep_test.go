package service

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/ecsevent"
	"github.com/backstop-ecs/backstop/internal/ecsim"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/sandbox"
)

// short makes calls of the region short, without a wait: the bucket is below half, and fills at a thousand times ECS's rate.
func short(s *Services) {
	b := s.clients.get(region, "").limits.clusterRead
	b.mu.Lock()
	defer b.mu.Unlock()
	b.burst, b.perSecond, b.tokens = 1e6, 100, 1000
}

// listed looks at services and lists the tasks of each at the same time.
func listed(t *testing.T, s *Services, refs []control.ServiceRef) []control.Listing {
	t.Helper()
	s.Describe(t.Context(), refs, control.Worth{})
	out := make([]control.Listing, len(refs))
	var all sync.WaitGroup
	for i, r := range refs {
		all.Go(func() {
			var err error
			if out[i], err = s.List(t.Context(), r, control.Want{Stopped: true, Worth: control.Worth{Urgency: control.Warned}}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	return out
}

// wantTrue asserts that the listings show what runs and what is leaving in truth.
func wantTrue(t *testing.T, box *sandbox.Sandbox, refs []control.ServiceRef, got []control.Listing) {
	t.Helper()
	box.World(func(w *ecsim.World) {
		for i, r := range refs {
			at := ecsim.Ref{Region: region, Cluster: cluster, Service: r.Service}
			want := map[string]bool{}
			for _, task := range w.AppendTasks(nil, at, ecsim.Running) {
				want[task.ID] = true
			}
			running := 0
			for _, task := range got[i].Tasks {
				if task.Phase != failover.Leaving {
					running++
					if !want[task.ID] {
						t.Errorf("%s: task %s is read as %s", r.Service, task.ID, task.Phase)
					}
				}
			}
			if running != len(want) {
				t.Errorf("%s: %d tasks are read as wanted, want %d", r.Service, running, len(want))
			}
		}
	})
}

func TestAClustersTasksAreListedOnceForAllWhoWait(t *testing.T) {
	var names []string
	var refs []control.ServiceRef
	for i := range 30 {
		names = append(names, fmt.Sprintf("w%02d", i))
		refs = append(refs, ref(names[i]+"-spot"))
	}
	box, s := world(t, 4, names...)
	short(s)
	box.ForgetCalls()
	got := listed(t, s, refs)
	wantTrue(t, box, refs, got)
	counts := box.Calls().Counts
	if n := counts["ecs:ListTasks"] + counts["ecs:DescribeTasks"]; n > 20 {
		t.Errorf("30 services of 4 tasks took %v, want few calls for all of them", counts)
	}
}

// TestAPictureIsKeptByEvents: where calls are short a second look lists nothing, and still sees what has changed; what an event did
// not tell, ECS's own counts do.
func TestAPictureIsKeptByEvents(t *testing.T) {
	for _, lost := range []bool{false, true} {
		t.Run(fmt.Sprintf("events lost %t", lost), func(t *testing.T) {
			box := sandbox.New(sandbox.Options{Manual: true, NoThrottle: true, World: ecsim.Config{Seed: 1, Start: start, ReadLag: -1}})
			if err := box.SetupTwins(cluster, "api", 20); err != nil {
				t.Fatal(err)
			}
			s := New(aws.Config{Region: region, Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", ""), HTTPClient: box,
				BaseEndpoint: aws.String("http://sandbox.localhost"), Retryer: func() aws.Retryer { return aws.NopRetryer{} }}, Options{Scale: 1000})
			short(s)
			refs := []control.ServiceRef{ref("api-spot")}
			listed(t, s, refs)
			box.World(func(w *ecsim.World) {
				w.Interrupt(ecsim.Ref{Region: region, Cluster: cluster, Service: "api-spot"}, 5, "", true)
			})
			box.AdvanceTo(box.Now().Add(8 * time.Second))
			if !lost {
				hear := s.Listening(ecsevent.Parse)
				for _, m := range messages(t, box) {
					if _, _, err := hear(m); err != nil {
						t.Fatal(err)
					}
				}
			}
			box.ForgetCalls()
			got := listed(t, s, refs)
			wantTrue(t, box, refs, got)
			leaving := 0
			for _, task := range got[0].Tasks {
				if task.Phase == failover.Leaving {
					leaving++
				}
			}
			counts := box.Calls().Counts
			if listed := counts["ecs:ListTasks"] > 0; listed != lost || leaving != 5 {
				t.Errorf("5 tasks are leaving, %d are seen; calls %v", leaving, counts)
			}
		})
	}
}

// messages receives all that the queue of events has.
func messages(t *testing.T, box *sandbox.Sandbox) [][]byte {
	t.Helper()
	client := sqs.NewFromConfig(aws.Config{Region: region, Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", ""), HTTPClient: box,
		BaseEndpoint: aws.String("http://sandbox.localhost")})
	var out [][]byte
	for {
		got, err := client.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: aws.String(box.QueueURL()), MaxNumberOfMessages: 10})
		if err != nil {
			t.Fatal(err)
		}
		if len(got.Messages) == 0 {
			return out
		}
		for i := range got.Messages {
			out = append(out, []byte(aws.ToString(got.Messages[i].Body)))
		}
	}
}
