package adopt

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/backstop-ecs/backstop/internal/cost"
	"github.com/backstop-ecs/backstop/internal/discover"
	"github.com/backstop-ecs/backstop/internal/racetest"
)

// campaign adopts or undoes all of the account by a new process that makes at most so many calls.
func (a *account) campaign(back bool, calls int, arrives bool) (done []Member, err error) {
	a.t.Helper()
	f := FleetOf(a.find(), "", cost.Table{}, back)
	cfg := a.cfg.Copy()
	var left atomic.Int64
	left.Store(int64(calls))
	cfg.HTTPClient, cfg.RetryMaxAttempts = mortal{a.box, &left, arrives}, 1
	looks := 0
	done, err = Campaign{AWS: cfg, Scale: 1e6, Say: func(*Member, string) { looks = 0 }, Wait: func(context.Context, float64) error {
		if looks++; looks > 400 {
			return errors.New("it never ends")
		}
		a.pass(5 * time.Second)
		return nil
	}}.Run(a.t.Context(), f.Todo())
	if err != nil && left.Load() <= 0 { // whatever it made of it: it was dead
		err = errKilled
	}
	return done, err
}

// small is an account with a service of each kind, of which one cannot be adopted.
func small(t *testing.T) *account {
	a := newAccount(t)
	a.service("batch", 2, 120, on(provider("FARGATE_SPOT", 1, 0)))
	a.service("half", 4, 120, on(provider("FARGATE", 1, 2), provider("FARGATE_SPOT", 1, 0)))
	a.service("names", 1, 120, func(in *ecs.CreateServiceInput) {
		in.ServiceRegistries = []types.ServiceRegistry{{RegistryArn: aws.String("arn:aws:servicediscovery:us-east-1:123456789012:service/srv-1")}}
	})
	a.web()
	a.least["half"], a.least["batch"] = 4, 2
	return a
}

func TestAFleetIsPlannedWithItsCountsAndCosts(t *testing.T) {
	a := small(t)
	f := FleetOf(a.find(), "", cost.Table{}, false)
	var got []string
	for _, m := range f.Services {
		got = append(got, fmt.Sprintf("%s %s %+v %+v %d %.4f %.4f", m.Service, m.Turn, m.Now, m.Then, m.Cover, *m.USDPerHour, *m.USDPerHourThen))
	}
	// 0.5 vCPU and 1 GB are $0.024685 an hour on demand and $0.007855 on Spot.
	if want := []string{
		"batch adopt {OnDemand:0 Spot:2 Twin:0} {OnDemand:0 Spot:2 Twin:0} 0 0.0157 0.0157",
		"half adopt {OnDemand:3 Spot:1 Twin:0} {OnDemand:0 Spot:4 Twin:0} 4 0.0819 0.0314",
		"web adopt {OnDemand:12 Spot:0 Twin:0} {OnDemand:0 Spot:12 Twin:0} 12 0.2962 0.0943",
	}; fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if f.Now != (Counts{OnDemand: 15, Spot: 3}) || f.Then != (Counts{Spot: 18}) || f.Cover != 12 || f.Unpriced != 0 || fmt.Sprintf("%.4f %.4f", f.USDPerHour, f.USDPerHourThen) != "0.3938 0.1414" {
		t.Errorf("in all: %+v", f)
	}
	if len(f.Skipped) != 1 || f.Skipped[0].Service != "names" || !strings.HasPrefix(f.Skipped[0].Why, "Cloud Map") || f.Skipped[0].Fix == "" {
		t.Errorf("skipped: %+v", f.Skipped)
	}
	if back := FleetOf(a.find(), "", cost.Table{}, true); len(back.Services)+len(back.Skipped) > 0 {
		t.Errorf("nothing was adopted, and would be undone: %+v", back)
	}
}

// TestTheServicesOfAFleetShareTheQuotas: each alone has room on Spot, all of them have not.
func TestTheServicesOfAFleetShareTheQuotas(t *testing.T) {
	a := small(t)
	found := a.find()
	found.Quotas[discover.QuotaSpot] = 8.5 // 1.5 vCPU run there; half needs 1.5 more and web 6
	f := FleetOf(found, "", cost.Table{}, false)
	if len(f.Services) != 2 || len(f.Skipped) != 2 || f.Skipped[1].Service != "web" || !strings.HasPrefix(f.Skipped[1].Why, "Spot quota L-36FBB829: the services here ask for 3 vCPU, web needs 6 more") {
		t.Errorf("%+v", f)
	}
}

func TestAFleetIsAdoptedAndUndone(t *testing.T) {
	a := small(t)
	before := a.state()
	if _, err := a.campaign(false, 200, true); !errors.Is(err, errKilled) {
		t.Fatalf("killed: %v", err)
	}
	f := FleetOf(a.find(), "", cost.Table{}, false)
	if len(f.Services) != 3 || f.Services[0].Turn != ToGuard || f.Services[1].Turn != ToGoOn {
		t.Errorf("half way: %+v", f.Services)
	}
	if _, err := a.campaign(false, whole, false); err != nil {
		t.Fatal(err)
	}
	if f := FleetOf(a.find(), "", cost.Table{}, false); len(f.Todo()) > 0 || len(f.Services) != 3 {
		t.Errorf("adopted, and left to do: %+v", f.Services)
	}
	if text := Configuration(a.find()); strings.Count(text, "- name:") != 3 {
		t.Errorf("the configuration:\n%s", text)
	}
	if _, err := a.campaign(true, 250, false); !errors.Is(err, errKilled) {
		t.Fatalf("killed: %v", err)
	}
	if _, err := a.campaign(true, whole, false); err != nil {
		t.Fatal(err)
	}
	if got := a.state(); got != before {
		t.Errorf("undone:\n%s\nwant\n%s", got, before)
	}
}

func TestAFleetStopsAtTheFirstThatIsNotAsPlanned(t *testing.T) {
	a := small(t)
	a.room(4) // the two tasks of batch, and half of its neighbour
	done, err := a.campaign(false, whole, false)
	if err == nil || len(done) != 1 || done[0].Service != "batch" {
		t.Fatalf("%+v, %v", done, err)
	}
	if got := a.state(); !strings.Contains(got, "web 12 strategy=launch-type held false") || strings.Contains(got, "web-standard") {
		t.Errorf("a service after it was touched: %s", got)
	}
}

// TestATwinOfAnotherNameIsFoundAgain: the tag says of which service it is the twin.
func TestATwinOfAnotherNameIsFoundAgain(t *testing.T) {
	if racetest.Enabled {
		t.Skip("skipped: nothing runs side by side here; it runs without the race detector")
	}
	a := newAccount(t)
	a.web()
	before := a.state()
	a.least = nil // of web and web-standard
	if err := a.adoptAs("web", "cover", false); err != nil {
		t.Fatal(err)
	}
	found := a.find()
	if twin, begun := TwinOf(found, &found.Services[1], ""); twin != "cover" || !begun {
		t.Errorf("the twin of %s: %s, %t", found.Services[1].Name, twin, begun)
	}
	if f := FleetOf(found, "", cost.Table{}, true); len(f.Services) != 1 || f.Services[0].Twin != "cover" || len(f.Skipped) > 0 {
		t.Errorf("%+v", f)
	}
	if _, err := a.campaign(true, whole, false); err != nil {
		t.Fatal(err)
	}
	if got := a.state(); got != before {
		t.Errorf("undone: %s, want %s", got, before)
	}
}
