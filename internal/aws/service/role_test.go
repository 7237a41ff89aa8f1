package service

import (
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/backstop-ecs/backstop/internal/aws/role"
	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/ecsim"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/sandbox"
)

const roleARN = "arn:aws:iam::999999999999:role/backstop"

// wire notes with whose credentials each call of ECS went out.
type wire struct {
	box  *sandbox.Sandbox
	mu   sync.Mutex
	keys map[string]int // by the first letters of the access key, and whether a session token went with it
}

func (w *wire) Do(r *http.Request) (*http.Response, error) {
	if strings.HasPrefix(r.Header.Get("X-Amz-Target"), "AmazonEC2ContainerService") {
		_, credential, _ := strings.Cut(r.Header.Get("Authorization"), "Credential=")
		key := credential[:min(4, len(credential))]
		if r.Header.Get("X-Amz-Security-Token") != "" {
			key += " with a token"
		}
		w.mu.Lock()
		w.keys[key]++
		w.mu.Unlock()
	}
	return w.box.Do(r)
}

func withRole(t *testing.T) (*wire, *Services, control.ServiceRef) {
	t.Helper()
	box := sandbox.New(sandbox.Options{Manual: true, NoThrottle: true, World: ecsim.Config{Seed: 1, Start: start, ReadLag: -1}})
	if err := box.SetupTwins(cluster, "api", 3); err != nil {
		t.Fatal(err)
	}
	box.ForgetCalls()
	w := &wire{box: box, keys: map[string]int{}}
	r := ref("api-standard")
	r.RoleARN = roleARN
	return w, New(aws.Config{Region: region, Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", ""), HTTPClient: w,
		BaseEndpoint: aws.String("http://sandbox.localhost"), Retryer: func() aws.Retryer { return aws.NopRetryer{} }}, Options{Scale: 1000}), r
}

// TestAPoolWithARoleIsReadAndSetThroughIt looks at both pools of a workload, one of them through a role, and sets that one's count.
func TestAPoolWithARoleIsReadAndSetThroughIt(t *testing.T) {
	w, s, standard := withRole(t)
	for range 2 {
		_, obs := s.Describe(t.Context(), []control.ServiceRef{ref("api-spot"), standard}, control.Worth{})
		if obs[0].Err != failover.ErrNone || obs[1].Err != failover.ErrNone || obs[0].Desired != 3 || obs[1].Desired != 0 {
			t.Fatalf("the pools are seen as %+v and %+v", obs[0], obs[1])
		}
	}
	if err := s.Apply(t.Context(), standard, failover.SetDesiredCount{Count: 2}); err != nil {
		t.Fatal(err)
	}
	if w.keys["AKID"] != 3 || w.keys["ASIA with a token"] != 3 || len(w.keys) != 2 {
		t.Errorf("calls of ECS by credentials: %v, want 3 of the process (two looks and the task definition) and 3 of the role", w.keys)
	}
	w.box.World(func(m *ecsim.World) {
		if desired, _, _ := m.Counts(ecsim.Ref{Region: region, Cluster: cluster, Service: "api-standard"}); desired != 2 {
			t.Errorf("the desired count is %d, want 2", desired)
		}
	})
	assumed := w.box.Calls().Of("sts:AssumeRole")
	if len(assumed) != 1 || !strings.Contains(assumed[0].Input, roleARN) || !strings.Contains(assumed[0].Input, `"RoleSessionName":"`+role.Session+`"`) {
		t.Errorf("the role was assumed %d times: %+v", len(assumed), assumed)
	}
}

// TestAPoolWhoseRoleIsRefusedBlindsNoOther refuses the role for a while.
func TestAPoolWhoseRoleIsRefusedBlindsNoOther(t *testing.T) {
	w, s, standard := withRole(t)
	if _, err := w.box.AddFault(sandbox.Fault{Kind: sandbox.FaultDenied, Operation: "sts:AssumeRole", Count: 1}); err != nil {
		t.Fatal(err)
	}
	_, obs := s.Describe(t.Context(), []control.ServiceRef{ref("api-spot"), standard}, control.Worth{})
	if obs[0].Err != failover.ErrNone || obs[1].Err != failover.ErrDenied {
		t.Errorf("while the role is refused, the pools are seen as %+v and %+v", obs[0], obs[1])
	}
	if _, obs = s.Describe(t.Context(), []control.ServiceRef{standard}, control.Worth{}); obs[0].Err != failover.ErrNone {
		t.Errorf("once it is not, the pool is seen as %+v", obs[0])
	}
}
