package control_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/ecsim"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/sandbox"
	"github.com/backstop-ecs/backstop/internal/tunable"
)

// wireScripts are the scripts of the law's lab whose whole vocabulary the world can play. The others set tasks into phases, or move
// time, as no ECS would.
var wireScripts = []string{
	"L02_evacuation_waits", "L03_unproven_cover", "L22_budget", "L22b_budget_release", "L23_limit_below_what_runs",
	"L27_preset_changes_while_evacuated", "L27b_observe_while_evacuated", "L28_failover_of_small_services",
	"L30_first_contact_observes", "L31_state_lost_in_switch", "L37_echo", "L38_typo", "L39_rise_in_a_gap",
	"M08_more_lost_on_the_second_day", "M13_mass_retirement", "M16_cover_dies", "M20_observe_then_fill", "kept_warm",
	"orders", "switch_flaps",
}

// TestScriptsOverTheWire plays scripts of the law's lab with real adapters on a sandbox: what was decided in the lab, count by count and
// reason by reason, must be decided here. Times may differ, as tasks start and stop in ECS's time.
func TestScriptsOverTheWire(t *testing.T) {
	for _, name := range wireScripts {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			data, err := os.ReadFile(filepath.Join("..", "failover", "testdata", name+".txt"))
			if err != nil {
				t.Fatal(err)
			}
			p := &player{t: t, want: map[string]int{}}
			p.play(string(data))
		})
	}
}

// scriptStart is a little before the lab's first moment, as the twins start first.
var scriptStart = time.Date(2026, 3, 2, 7, 55, 0, 0, time.UTC)

// player plays one script.
type player struct {
	t      *testing.T
	w      *world
	l      *control.Loop
	store  control.Store
	policy failover.Policy
	// What the script says before its first pass.
	want    map[string]int // desired counts
	room    int
	health  bool
	running bool
}

// play plays a script: blocks of commands, then ----, then what each pass of the block answered.
func (p *player) play(script string) {
	p.room = -1
	for i, block := range strings.Split(script, "\n\n") {
		commands, answer, _ := strings.Cut(block+"\n", "----\n")
		var got []string
		for _, line := range strings.Split(commands, "\n") {
			if f := strings.Fields(line); len(f) > 0 && f[0] != "#" {
				got = append(got, p.do(line, f)...)
			}
		}
		want := decided(answer)
		if !slices.Equal(got, want) {
			p.t.Fatalf("block %d is decided as\n  %s\nwant\n  %s\nafter\n%s", i+1, strings.Join(got, "\n  "), strings.Join(want, "\n  "), commands)
		}
	}
}

// decided keeps of an answer what does not hang on ECS's times: the changes of counts, the reasons and what was needed.
func decided(answer string) []string {
	var out []string
	for _, line := range strings.Split(answer, "\n") {
		switch {
		case line == "":
		case strings.HasPrefix(line, "- "): // the reason alone: the text has counts and times in it
			finding, _, _ := strings.Cut(line, ":")
			out = append(out, finding)
		case strings.Contains(line, "; demand "):
			reason, rest, _ := strings.Cut(line, "; ")
			demand, _, _ := strings.Cut(rest, ", ")
			_, need, _ := strings.Cut(rest, "need ")
			out = append(out, reason+"; "+demand+"; need "+need)
		default:
			out = append(out, line)
		}
	}
	return out
}

// do carries a command out, and returns what a pass decided.
func (p *player) do(line string, f []string) []string {
	if !p.running && slices.Contains([]string{"order", "advance", "interrupt", "pass"}, f[0]) {
		p.begin()
	}
	switch f[0] {
	case "preset":
		p.preset(f[1])
	case "set":
		p.set(f[1:])
	case "twins", "ecs": // the world's ECS works by itself
	case "health":
		p.health = true
	case "serve":
	case "become":
		p.preset(f[1])
		p.loop()
	case "state-lost":
		p.lose()
	case "order":
		p.order(f)
	case "pass":
		return p.pass()
	default:
		p.happens(line, f)
	}
	return nil
}

// happens carries out a command about the world.
func (p *player) happens(line string, f []string) {
	n := 5000 // all there are
	if len(f) > 2 {
		if given, err := strconv.Atoi(f[2]); err == nil {
			n = given
		}
	}
	pool := 0
	if len(f) > 1 && f[1] == "standard" {
		pool = 1
	}
	switch f[0] {
	case "desired":
		p.desired(f[1], n)
	case "room":
		p.makeRoom(n)
	case "interrupt":
		p.interrupt(n)
	case "start":
		p.until(func(e *ecsim.World) bool {
			g, _ := e.Glance(twins[pool])
			return g.Unthreatened >= min(g.TrueDesired, n)
		})
	case "ready":
		p.until(func(e *ecsim.World) bool {
			g, _ := e.Glance(twins[pool])
			return g.InService >= min(g.TrueDesired, n)
		})
	case "end":
		p.until(func(e *ecsim.World) bool { return e.Working(twins[pool]) == e.InService(twins[pool]) })
	case "advance":
		d, err := time.ParseDuration(f[1])
		if err != nil {
			p.t.Fatalf("%s: %v", line, err)
		}
		p.w.advance(d)
	case "event":
		p.w.box.World(func(e *ecsim.World) { _ = e.RaisePlacementFailure(twins[pool]) })
		p.w.advance(2 * time.Second)
	case "stop":
		if f[3] != string(failover.SignalInfrastructure) {
			p.t.Fatalf("%s: the world cannot play that", line)
		}
		p.w.box.World(func(e *ecsim.World) {
			e.KillTasks(twins[pool], n, ecsim.StopInfrastructure, "Task stopped because the underlying infrastructure is unhealthy")
		})
		p.w.advance(2 * time.Second)
	default:
		p.t.Fatalf("%s: the world cannot play that", line)
	}
}

// preset takes a preset, with the prices of the lab's pools.
func (p *player) preset(name string) {
	p.policy = presetOf(name)
	p.policy.Pools[0].TaskHourUSD, p.policy.Pools[1].TaskHourUSD = 0.118, 0.268
}

// lose loses the state.
func (p *player) lose() {
	p.w.path = filepath.Join(p.t.TempDir(), "state.db")
	p.store = p.w.store()
	p.loop()
}

func (p *player) set(pairs []string) {
	for _, pair := range pairs {
		key, value, _ := strings.Cut(pair, "=")
		field, ok := tunable.FieldByKey(key)
		if !ok {
			p.t.Fatalf("no field %s", key)
		}
		if err := field.Set(&p.policy, value); err != nil {
			p.t.Fatal(err)
		}
	}
	if p.running {
		p.loop()
	}
}

func (p *player) desired(pool string, n int) {
	if !p.running {
		p.want[pool] = n
		return
	}
	p.w.box.World(func(e *ecsim.World) {
		if err := e.SetDesired(ecsim.Ref{Region: region, Cluster: cluster, Service: "api-" + pool}, n); err != nil {
			p.t.Fatal(err)
		}
	})
}

// makeRoom says how many tasks Spot can hold; those that it holds stay.
func (p *player) makeRoom(n int) {
	if !p.running {
		p.room = n
		return
	}
	p.w.box.World(func(e *ecsim.World) {
		if _, held := e.Supply(spotSupply); n >= 0 {
			n = max(n, held)
		}
		e.SetSupply(spotSupply, n)
	})
}

// interrupt takes n Spot tasks back; without a limit their places can be had again.
func (p *player) interrupt(n int) {
	p.w.box.World(func(e *ecsim.World) { e.Interrupt(twins[0], n, "", true) })
}

// until moves time on until something is so, within the bounds of patience.
func (p *player) until(f func(e *ecsim.World) bool) {
	for range 600 {
		done := false
		p.w.box.World(func(e *ecsim.World) { done = f(e) })
		if done {
			return
		}
		p.w.advance(time.Second)
	}
}

func (p *player) order(f []string) {
	in := failover.Intent{Kind: failover.IntentKind(f[1]), At: p.w.box.Now(), By: "op"}
	for _, word := range f[2:] {
		if age, ok := strings.CutPrefix(word, "age="); ok {
			d, err := time.ParseDuration(age)
			if err != nil {
				p.t.Fatal(err)
			}
			in.Until = in.At.Add(d)
		} else if n, err := strconv.Atoi(word); err == nil {
			in.Demand = n
		} else {
			in.Mode = failover.Mode(word)
		}
	}
	if _, err := control.Intend(p.t.Context(), p.store, p.l.Workloads[0], "cli", in, p.w.box.Now); err != nil {
		p.t.Fatal(err)
	}
}

// begin makes the world as the script says before its first pass.
func (p *player) begin() {
	p.running = true
	p.w = &world{t: p.t, path: filepath.Join(p.t.TempDir(), "state.db"), box: sandbox.New(sandbox.Options{Manual: true, NoThrottle: true,
		World: ecsim.Config{Seed: 1, Start: scriptStart, ReadLag: -1, StopTimeout: 2 * time.Minute}})}
	demand, tw := p.want["spot"], sandbox.Twins{Cluster: cluster, Name: "api", TargetGroup: p.health}
	tw.Count = demand
	if p.health {
		tw.WarmUp = time.Minute
	}
	if p.room >= 0 {
		tw.Count = min(demand, p.room)
	}
	if err := p.w.box.Setup(tw); err != nil {
		p.t.Fatal(err)
	}
	p.w.advance(time.Hour)
	p.w.box.World(func(e *ecsim.World) {
		e.SetSupply(spotSupply, p.room)
		_ = e.SetDesired(twins[0], demand)
		_ = e.SetDesired(twins[1], p.want["standard"])
	})
	if p.want["standard"] > 0 {
		p.w.advance(10 * time.Minute)
	}
	p.w.advance(10 * time.Second)
	p.store = p.w.store()
	p.loop()
}

// loop starts the process anew, on the same state.
func (p *player) loop() {
	p.l = p.w.loop("a", p.store, p.w.services())
	p.l.Workloads = []control.Workload{workload("api", p.policy)}
}

func (p *player) pass() []string {
	d := p.w.pass(p.l, "api").Decision
	var out []string
	for _, a := range append(slices.Clone(d.Actions), d.Withheld...) {
		if set, ok := a.(failover.SetDesiredCount); ok {
			out = append(out, fmt.Sprintf("%s: %d -> %d", set.Pool, set.From, set.Count))
			continue
		}
		out = append(out, failover.ActionPool(a)+": "+strings.TrimPrefix(fmt.Sprintf("%T", a), "failover."))
	}
	out = append(out, fmt.Sprintf("%s; demand %d; need %d", d.Reason, d.Demand, d.Need))
	for _, f := range d.Findings {
		if f.Reason == failover.ReasonSlowStarts {
			continue // the lab's starts take no time
		}
		out = append(out, "- "+string(f.Reason))
	}
	return out
}
