package adopt

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/backstop-ecs/backstop/internal/app"
	"github.com/backstop-ecs/backstop/internal/config"
	"github.com/backstop-ecs/backstop/internal/failover"
)

// TestAGuardThatNobodyPausedIsNoticed undoes an adoption beside a guard that acts, whose configuration is not at hand: its cover would be given back in
// the middle of the move, as nothing needs it. The undo puts it back and stops before the move, and goes on once the guard is gone.
func TestAGuardThatNobodyPausedIsNoticed(t *testing.T) {
	a := newAccount(t)
	a.web()
	if err := a.adopt("web", false); err != nil {
		t.Fatal(err)
	}
	file, err := config.Parse([]byte(strings.ReplaceAll(Configuration(a.find()), "preset: observe", "preset: fill")), "backstop.yaml")
	if err != nil {
		t.Fatal(err)
	}
	file.State.SQLite = filepath.Join(t.TempDir(), "state.db")
	guard, err := app.New(t.Context(), app.Options{Config: file, AWS: a.cfg, Now: a.box.Now})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = guard.Close() }()
	found := a.find()
	service := &found.Services[0]
	looks := 0
	err = Application{AWS: a.cfg, Scale: 1e6, Service: service, Twin: "web-standard", Say: func(string) {}, Wait: func(ctx context.Context, _ float64) error {
		if looks++; looks > 200 {
			return errors.New("it never ends")
		}
		a.pass(5 * time.Second)
		_, err := guard.Step(ctx)
		return err
	}}.Run(t.Context(), true)
	var refused *RefusedError
	if !errors.As(err, &refused) || refused.Obstacles[0].Short != "guarded meanwhile" {
		t.Fatalf("%v", err)
	}
	if got := a.state(); got != "web 12 strategy=FARGATE_SPOT:1:0 held true; web-standard 12 strategy=FARGATE:1:0 held false" {
		t.Errorf("stopped: %s", got)
	}
	if err := a.adopt("web", true); err != nil {
		t.Fatal(err)
	}
	if got := a.state(); got != "web 12 strategy=launch-type held false" {
		t.Errorf("undone: %s", got)
	}
}

// TestATwinThatIsChangedIsSeenAtTheNextLook: the standby gets another security group; its cover may reach nothing, and no task of it runs yet.
func TestATwinThatIsChangedIsSeenAtTheNextLook(t *testing.T) {
	a := newAccount(t)
	a.web()
	if err := a.adopt("web", false); err != nil {
		t.Fatal(err)
	}
	file, err := config.Parse([]byte(Configuration(a.find())), "backstop.yaml")
	if err != nil {
		t.Fatal(err)
	}
	file.State.SQLite = filepath.Join(t.TempDir(), "state.db")
	guard, err := app.New(t.Context(), app.Options{Config: file, AWS: a.cfg, Now: a.box.Now})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = guard.Close() }()
	differs := func() (out []string) {
		a.pass(time.Minute)
		reports, err := guard.Step(t.Context())
		if err != nil || reports[0].Err != nil {
			t.Fatal(err, reports)
		}
		for _, f := range reports[0].Decision.Findings {
			if f.Reason == failover.ReasonDiffers {
				out = append(out, f.Pool+": "+f.Detail)
			}
		}
		return out
	}
	group := func(security string) {
		if _, err := a.ecs.UpdateService(t.Context(), &ecs.UpdateServiceInput{Cluster: aws.String("prod"), Service: aws.String("web-standard"), NetworkConfiguration: &types.NetworkConfiguration{
			AwsvpcConfiguration: &types.AwsVpcConfiguration{Subnets: []string{"subnet-b", "subnet-a"}, SecurityGroups: []string{security}}}}); err != nil {
			t.Fatal(err)
		}
	}
	if d := differs(); len(d) > 0 {
		t.Errorf("as adopted: %v", d)
	}
	group("sg-old")
	if d := differs(); len(d) != 1 || d[0] != "standard: networkConfiguration" {
		t.Errorf("changed: %v", d)
	}
	group("sg-1")
	if d := differs(); len(d) > 0 {
		t.Errorf("changed back: %v", d)
	}
}
