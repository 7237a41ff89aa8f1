package adopt

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/backstop-ecs/backstop/internal/app"
	"github.com/backstop-ecs/backstop/internal/config"
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
	err = Application{AWS: a.cfg, Scale: 1e6, Now: a.box.Now, Service: service, Twin: "web-standard", Say: func(string) {}, Wait: func(ctx context.Context) error {
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
