package ledger_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/backstop-ecs/backstop/internal/aws/service"
	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/ecsim"
	"github.com/backstop-ecs/backstop/internal/ledger"
	"github.com/backstop-ecs/backstop/internal/racetest"
	"github.com/backstop-ecs/backstop/internal/sandbox"
)

var seedsFlag = flag.Uint64("seeds", 1, "how many seeds of each world are watched")

// account is a simulated account with a pair of services, the events of which a watch sees.
type account struct {
	t        *testing.T
	box      *sandbox.Sandbox
	cfg      aws.Config
	queue    *sqs.Client
	services *service.Services
	watch    ledger.Watch
	bodies   []json.RawMessage
	draw     *rand.Rand
}

var spot, standard = ecsim.Ref{Region: "us-east-1", Cluster: "main", Service: "api-spot"}, ecsim.Ref{Region: "us-east-1", Cluster: "main", Service: "api-standard"}

const tasks = 8

func newAccount(t *testing.T, world ecsim.Config, seed uint64) *account {
	t.Helper()
	world.Seed, world.Start = seed, time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	a := &account{t: t, box: sandbox.New(sandbox.Options{World: world, Manual: true, NoThrottle: true}), draw: rand.New(rand.NewPCG(seed, 5))}
	a.cfg = aws.Config{Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", ""), HTTPClient: a.box, BaseEndpoint: aws.String("http://sandbox.localhost")}
	a.queue, a.services = sqs.NewFromConfig(a.cfg), service.New(a.cfg, service.Options{NoEvents: true})
	if err := a.box.SetupTwins("main", "api", tasks); err != nil {
		t.Fatal(err)
	}
	return a
}

func (a *account) model(row, value string) {
	a.t.Helper()
	r, err := http.NewRequestWithContext(a.t.Context(), http.MethodPost, "http://sandbox.localhost/_sandbox/model", strings.NewReader(fmt.Sprintf(`{"%s": %s}`, row, value)))
	if err != nil {
		a.t.Fatal(err)
	}
	answer, err := a.box.Do(r)
	if err != nil || answer.StatusCode != http.StatusOK {
		a.t.Fatalf("bend %s by %s: %v %+v", row, value, err, answer)
	}
}

// wait lets time pass, and hears what it brings; looks are made in some of the steps.
func (a *account) wait(d, step time.Duration) {
	a.t.Helper()
	for ; d > 0; d -= step {
		a.box.AdvanceTo(a.box.Now().Add(step))
		a.hear()
	}
}

// hear takes what the queue has.
func (a *account) hear() {
	a.t.Helper()
	url := a.box.QueueURL()
	for {
		out, err := a.queue.ReceiveMessage(a.t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &url, MaxNumberOfMessages: 10})
		if err != nil {
			a.t.Fatal(err)
		}
		if len(out.Messages) == 0 {
			return
		}
		for i := range out.Messages {
			body := []byte(aws.ToString(out.Messages[i].Body))
			if e, ok := ledger.ReadEvent(body); ok {
				a.watch.Event(e)
			}
			a.bodies = append(a.bodies, body)
			if _, err := a.queue.DeleteMessage(a.t.Context(), &sqs.DeleteMessageInput{QueueUrl: &url, ReceiptHandle: out.Messages[i].ReceiptHandle}); err != nil {
				a.t.Fatal(err)
			}
		}
	}
}

// look reads the services as a guard does.
func (a *account) look() {
	a.t.Helper()
	for _, s := range []ecsim.Ref{spot, standard} {
		ref := control.ServiceRef{Region: s.Region, Cluster: s.Cluster, Service: s.Service}
		at, all := a.services.Describe(a.t.Context(), []control.ServiceRef{ref}, control.Worth{})
		listing, err := a.services.List(a.t.Context(), ref, control.Want{Stopped: true})
		if err != nil {
			a.t.Fatal(err)
		}
		o := all[0]
		o.Listed, o.Tasks = true, listing.Tasks
		a.watch.Look(s.Region+"/"+s.Cluster+"/"+s.Service, &o, at)
	}
}

func (a *account) on(f func(w *ecsim.World)) { a.box.World(f) }

func (a *account) supply(n int) {
	a.on(func(w *ecsim.World) {
		w.SetSupply(ecsim.SupplyKey{Region: spot.Region, Provider: ecsim.FargateSpot}, n)
	})
}

func (a *account) count(s ecsim.Ref, n int32, force bool) {
	a.t.Helper()
	_, err := ecs.NewFromConfig(a.cfg).UpdateService(a.t.Context(), &ecs.UpdateServiceInput{Cluster: &s.Cluster, Service: &s.Service, DesiredCount: &n, ForceNewDeployment: force})
	if err != nil {
		a.t.Fatal(err)
	}
}

// days is a life with all that happens to services: losses, a shortage, starts that are struck, deployments, stops by hand, and quiet.
func (a *account) days() {
	a.t.Helper()
	a.wait(10*time.Minute, time.Minute)
	for range 3 { // losses
		a.on(func(w *ecsim.World) { w.Interrupt(spot, 1+a.draw.IntN(3), "", false) })
		a.wait(20*time.Second, 10*time.Second)
		a.look()
		a.count(standard, 2, false)
		a.wait(6*time.Minute, time.Minute)
		a.count(standard, 0, false)
		a.wait(4*time.Minute, time.Minute)
	}
	a.supply(5) // a shortage
	a.wait(time.Minute, 10*time.Second)
	a.look()
	for range 4 {
		a.wait(30*time.Minute, 5*time.Minute)
		a.look()
	}
	a.supply(-1)
	a.wait(30*time.Minute, 5*time.Minute)
	a.count(spot, 2*tasks, false) // starts that are struck
	a.wait(40*time.Second, 10*time.Second)
	a.supply(tasks)
	a.wait(2*time.Minute, 10*time.Second)
	a.count(spot, tasks, false)
	a.supply(-1)
	a.wait(time.Hour, 5*time.Minute)
	for _, s := range []ecsim.Ref{standard, spot, standard, standard} { // deployments, three of them without tasks
		a.count(s, map[ecsim.Ref]int32{spot: tasks}[s], true)
		a.wait(15*time.Minute, 5*time.Minute)
	}
	listed, err := ecs.NewFromConfig(a.cfg).ListTasks(a.t.Context(), &ecs.ListTasksInput{Cluster: &spot.Cluster, ServiceName: &spot.Service, DesiredStatus: types.DesiredStatusRunning})
	if err != nil || len(listed.TaskArns) == 0 {
		a.t.Fatalf("no tasks: %v", err)
	}
	if _, err := ecs.NewFromConfig(a.cfg).StopTask(a.t.Context(), &ecs.StopTaskInput{Cluster: &spot.Cluster, Task: &listed.TaskArns[0], Reason: aws.String("shop.example needs it gone")}); err != nil {
		a.t.Fatal(err)
	}
	a.wait(30*time.Minute, 5*time.Minute)
	a.wait(40*time.Hour, 2*time.Hour) // quiet
}

// contradicted are the rows that the watch has found.
func (a *account) contradicted() (rows []string) {
	for _, f := range a.watch.Seen.Findings {
		rows = append(rows, f.Row)
	}
	slices.Sort(rows)
	return rows
}

func slow(t *testing.T) {
	t.Helper()
	if racetest.Enabled || testing.Short() {
		t.Skip("skipped: nothing runs side by side here, and it takes a second of processor time")
	}
}

func TestTheWatchNamesTheBentRowAndNoOther(t *testing.T) {
	slow(t)
	for _, e := range ledger.Expectations() {
		for _, m := range e.Measures {
			if m.Watch == nil || m.Watch.Bend == "" {
				continue
			}
			t.Run(e.Row, func(t *testing.T) {
				for seed := uint64(1); seed <= *seedsFlag; seed++ {
					a := newAccount(t, ecsim.Config{}, seed)
					a.model(e.Row, m.Watch.Bend)
					a.days()
					if got := a.contradicted(); !slices.Equal(got, []string{e.Row}) {
						t.Errorf("seed %d, bent by %s: found %v\n%s", seed, m.Watch.Bend, got, indent(t, a.watch.Seen))
					}
				}
			})
		}
	}
}

const (
	tableBegins = "<!-- generated by go test ./internal/ledger -update -->\n"
	tableEnds   = "<!-- end of the watch -->\n"
	document    = "../../docs/verify-aws.md"
)

// TestThePageHasTheWatch generates the table of what guards see. What is found of each bend is [TestTheWatchNamesTheBentRowAndNoOther].
func TestThePageHasTheWatch(t *testing.T) {
	var b strings.Builder
	b.WriteString(tableBegins + "\n| row | shown by | predicted | said after | bent in the tests by |\n| --- | --- | --- | --- | --- |\n")
	for _, w := range new(ledger.Seen).Rows() {
		for _, e := range ledger.Expectations() {
			for _, m := range e.Measures {
				if e.Row != w.Row || m.Watch == nil {
					continue
				}
				after, bend := fmt.Sprintf("%d observations that contradict it", m.Watch.Least), "no knob of the row changes it"
				if m.Watch.Least == 1 {
					after = "1 observation that contradicts it"
				}
				if m.Watch.Share > 0 {
					after += fmt.Sprintf(", and more than %g %% of all", m.Watch.Share*100)
				}
				if m.Watch.Bend != "" {
					bend = "`" + m.Watch.Bend + "`"
				}
				fmt.Fprintf(&b, "| %s | %s | %s %s | %s | %s |\n", w.Row, w.Shows, w.Measure, w.Predicted, after, bend)
			}
		}
	}
	b.WriteString("\n" + tableEnds)
	text, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok1 := strings.Cut(string(text), tableBegins)
	_, after, ok2 := strings.Cut(rest, tableEnds)
	if !ok1 || !ok2 {
		t.Fatalf("%s has no place for the table", document)
	}
	want := before + b.String() + after
	if *updateFlag {
		if err := os.WriteFile(document, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
	} else if want != string(text) {
		t.Errorf("%s is not up to date: go test ./internal/ledger -update", document)
	}
}

func TestTheWatchFindsNothingInTheNormalWorld(t *testing.T) {
	slow(t)
	for seed := uint64(1); seed <= *seedsFlag; seed++ {
		a := newAccount(t, ecsim.Config{}, seed)
		a.days()
		if got := a.contradicted(); len(got) > 0 {
			t.Errorf("seed %d: %v\n%s", seed, got, indent(t, a.watch.Seen))
		}
		for _, e := range ledger.Expectations() {
			for _, m := range e.Measures {
				if n := a.watch.Seen.Tallies[e.Row+"/"+m.Name].N; m.Watch != nil && n == 0 && !slices.Contains([]string{"A20", "A23"}, e.Row) { // which see only what contradicts them
					t.Errorf("seed %d: %s was not observed", seed, e.Row)
				}
			}
		}
	}
}

// TestEventsThatComeLateTwiceOrNeverContradictNothing: queues do that, and no row says otherwise but A27, which no queue can show.
func TestEventsThatComeLateTwiceOrNeverContradictNothing(t *testing.T) {
	slow(t)
	for seed := uint64(1); seed <= *seedsFlag; seed++ {
		a := newAccount(t, ecsim.Config{}, seed)
		a.box.SetDelivery(sandbox.Trouble{LostShare: a.draw.Float64() / 2, DuplicateShare: a.draw.Float64() / 2, LateShare: a.draw.Float64(), LateSeconds: 600})
		a.days()
		if got := a.contradicted(); len(got) > 0 {
			t.Errorf("seed %d: %v\n%s", seed, got, indent(t, a.watch.Seen))
		}
	}
}

func indent(t *testing.T, v any) string {
	t.Helper()
	raw, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// TestDeploymentsWithoutAnEndHideNoLaterOnes: one that another takes the place of never ends.
func TestDeploymentsWithoutAnEndHideNoLaterOnes(t *testing.T) {
	var w ledger.Watch
	at := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	tell := func(name string, n int) {
		at = at.Add(time.Minute)
		w.Event(ledger.Event{At: at, Service: "us-east-1/main/api", Name: "SERVICE_DEPLOYMENT_" + name, Deployment: fmt.Sprint("ecs-svc/", n)})
	}
	for n := range 40 {
		tell("IN_PROGRESS", n)
	}
	tell("COMPLETED", 39)
	seen := 0
	for key, tally := range w.Seen.Tallies {
		if strings.HasPrefix(key, "A15/") {
			seen += tally.N
		}
	}
	if seen != 1 {
		t.Errorf("the last deployment was seen %d times", seen)
	}
}
