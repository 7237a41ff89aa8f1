package sandbox

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/backstop-ecs/backstop/internal/ecsim"
)

// steeringBytesMax limits the body of a steering call.
const steeringBytesMax = 64 << 10

// advanceMax is how far one call may move virtual time.
const advanceMax = 366 * 24 * time.Hour

// steer is one route of the steering API. docs/sandbox.md describes each; a test keeps it so.
type steer struct {
	method, path string
	run          func(s *Sandbox, r *http.Request, body []byte) (any, error)
}

// steering returns the routes in the order of the documentation.
func steering() []steer {
	return []steer{
		{http.MethodGet, "state", func(s *Sandbox, r *http.Request, _ []byte) (any, error) { return s.State(), nil }},
		{http.MethodGet, "calls", func(s *Sandbox, r *http.Request, _ []byte) (any, error) { return s.Calls(), nil }},
		{http.MethodDelete, "calls", func(s *Sandbox, _ *http.Request, _ []byte) (any, error) { s.ForgetCalls(); return empty{}, nil }},
		{http.MethodGet, "notices", func(s *Sandbox, r *http.Request, _ []byte) (any, error) {
			return map[string]any{"notices": s.Notices()}, nil
		}},
		{http.MethodPost, "capacity", steering1((*Sandbox).steerCapacity)},
		{http.MethodPost, "quota", steering1((*Sandbox).steerQuota)},
		{http.MethodPost, "interrupt", steering1((*Sandbox).steerInterrupt)},
		{http.MethodPost, "placement-failure", steering1((*Sandbox).steerPlacementFailure)},
		{http.MethodPost, "break", steering1((*Sandbox).steerBreak)},
		{http.MethodPost, "repair", steering1((*Sandbox).steerRepair)},
		{http.MethodPost, "faults", steering1((*Sandbox).steerFault)},
		{http.MethodDelete, "faults", steerClearFaults},
		{http.MethodPost, "delivery", steering1((*Sandbox).steerDelivery)},
		{http.MethodPost, "speed", steering1((*Sandbox).steerSpeed)},
		{http.MethodPost, "pause", func(s *Sandbox, _ *http.Request, _ []byte) (any, error) { s.Pause(true); return s.clockNow(), nil }},
		{http.MethodPost, "resume", func(s *Sandbox, _ *http.Request, _ []byte) (any, error) { s.Pause(false); return s.clockNow(), nil }},
		{http.MethodPost, "advance", steering1((*Sandbox).steerAdvance)},
		{http.MethodPost, "twins", steering1((*Sandbox).steerTwins)},
		{http.MethodPost, "delete", steering1((*Sandbox).steerDelete)},
		{http.MethodPost, "retire", steering1((*Sandbox).steerRetire)},
		{http.MethodPost, "model", steering1((*Sandbox).steerModel)},
		{http.MethodPost, "load", steering1((*Sandbox).steerLoad)},
		{http.MethodPost, "metric", steering1((*Sandbox).steerMetric)},
		{http.MethodPost, "alarm", steering1((*Sandbox).steerAlarm)},
		{http.MethodPost, "answers", steering1((*Sandbox).steerAnswers)},
		{http.MethodPost, "reset", func(s *Sandbox, _ *http.Request, _ []byte) (any, error) { s.Reset(); return s.clockNow(), nil }},
	}
}

// steering1 makes a route of a function on typed input. Unknown keys are errors: a typing mistake must not look like success.
func steering1[I any](run func(s *Sandbox, in I) (any, error)) func(*Sandbox, *http.Request, []byte) (any, error) {
	return func(s *Sandbox, _ *http.Request, body []byte) (any, error) {
		var in I
		decoder := json.NewDecoder(bytes.NewReader(body))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&in); err != nil && !errors.Is(err, io.EOF) { // no body: every key at its default
			return nil, fmt.Errorf("read body: %w", err)
		}
		return run(s, in)
	}
}

// serveSteering answers a call of the steering API: JSON in, JSON out, errors as {"error": "..."}.
func (s *Sandbox) serveSteering(r *http.Request) reply {
	name := strings.Trim(strings.TrimPrefix(r.URL.Path, strings.TrimSuffix(steeringPrefix, "/")), "/")
	var routes, allowed []string
	for _, route := range steering() {
		routes = append(routes, route.method+" "+steeringPrefix+route.path)
		if route.path != name {
			continue
		}
		if route.method != r.Method {
			allowed = append(allowed, route.method)
			continue
		}
		body, err := readSteering(r)
		var out any
		if err == nil {
			out, err = route.run(s, r, body)
		}
		if err != nil {
			return s.steeringReply(http.StatusBadRequest, map[string]any{"error": err.Error()})
		}
		return s.steeringReply(http.StatusOK, out)
	}
	switch {
	case len(allowed) > 0:
		return s.steeringReply(http.StatusMethodNotAllowed, map[string]any{"error": name + " wants " + strings.Join(allowed, " or ")})
	case name == "":
		return s.steeringReply(http.StatusOK, map[string]any{"routes": routes})
	default:
		return s.steeringReply(http.StatusNotFound, map[string]any{"error": "no such route: " + clip(name), "routes": routes})
	}
}

func readSteering(r *http.Request) ([]byte, error) {
	if r.Body == nil {
		return nil, nil
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, steeringBytesMax+1))
	if err != nil {
		return nil, fmt.Errorf("read body: %w", err)
	}
	if len(body) > steeringBytesMax {
		return nil, fmt.Errorf("read body: longer than %d bytes", steeringBytesMax)
	}
	return body, nil
}

func (s *Sandbox) steeringReply(status int, out any) reply {
	body, err := json.MarshalIndent(out, "", "  ")
	if err != nil {
		status, body = http.StatusInternalServerError, []byte(`{"error": "the answer cannot be encoded"}`)
	}
	return reply{status: status, contentType: "application/json", date: s.Now(), body: append(body, '\n')}
}

func (s *Sandbox) region(given string) string { return orDefault(given, s.opts.Region) }

type capacityInput struct {
	Provider string `json:"provider"`
	Region   string `json:"region"`
	Zone     string `json:"zone"`
	Arch     string `json:"arch"`
	Tasks    *int   `json:"tasks"` // null: no limit
}

func (s *Sandbox) steerCapacity(in capacityInput) (any, error) {
	provider := orDefault(in.Provider, ecsim.FargateSpot)
	if err := checkProvider(provider); err != nil {
		return nil, err
	}
	n := -1
	if in.Tasks != nil {
		n = *in.Tasks
	}
	key := ecsim.SupplyKey{Region: s.region(in.Region), Provider: provider, Arch: in.Arch, Zone: in.Zone}
	var limit, held int
	s.World(func(w *ecsim.World) {
		w.SetSupply(key, n)
		limit, held = w.Supply(key)
	})
	return map[string]any{"limit": limitOrNil(limit), "held": held}, nil
}

func limitOrNil(n int) any {
	if n < 0 {
		return nil
	}
	return n
}

func checkProvider(provider string) error {
	if provider != ecsim.Fargate && provider != ecsim.FargateSpot {
		return fmt.Errorf("provider: must be %s or %s (got %q)", ecsim.Fargate, ecsim.FargateSpot, provider)
	}
	return nil
}

type quotaSteer struct {
	Provider string  `json:"provider"`
	Region   string  `json:"region"`
	VCPU     float64 `json:"vcpu"`
}

func (s *Sandbox) steerQuota(in quotaSteer) (any, error) {
	if err := checkProvider(in.Provider); err != nil {
		return nil, err
	}
	if in.VCPU < 0 {
		return nil, fmt.Errorf("vcpu: must not be negative (got %v)", in.VCPU)
	}
	var limit, used float64
	s.World(func(w *ecsim.World) {
		w.SetQuota(s.region(in.Region), in.Provider, in.VCPU)
		limit, used = w.Quota(s.region(in.Region), in.Provider)
	})
	return map[string]float64{"vcpu": limit, "used": used}, nil
}

// serviceSteer names a service, and what some routes want to know besides.
type serviceSteer struct {
	Region         string `json:"region"`
	Cluster        string `json:"cluster"`
	Service        string `json:"service"`
	TaskDefinition string `json:"task_definition"` // break, repair: instead of a service
	Count          *int   `json:"count"`           // interrupt: how many; null: all
	Zone           string `json:"zone"`            // interrupt: only there
	Reduce         bool   `json:"reduce"`          // interrupt: the capacity goes for good
	Revision       string `json:"revision"`        // interrupt: only tasks with production traffic, or only others
	Mode           string `json:"mode"`            // break: how
}

func (s *Sandbox) serviceRefOf(in serviceSteer) (ecsim.Ref, error) {
	ref := ecsim.Ref{Region: s.region(in.Region), Cluster: orDefault(in.Cluster, defaultCluster), Service: in.Service}
	if in.Service == "" {
		return ref, errors.New("service: is missing")
	}
	var found int
	s.World(func(w *ecsim.World) {
		services, _, err := w.DescribeServices(ref.Region, ref.Cluster, []string{ref.Service})
		if err == nil {
			found = len(services)
		}
	})
	if found == 0 {
		return ref, fmt.Errorf("service: there is no %s in the cluster %s of %s", clip(ref.Service), clip(ref.Cluster), clip(ref.Region))
	}
	return ref, nil
}

// interruptRefOf is whose tasks are interrupted: a service's, or without one those of no service in the cluster.
func (s *Sandbox) interruptRefOf(in serviceSteer) (ecsim.Ref, error) {
	ref := ecsim.Ref{Region: s.region(in.Region), Cluster: orDefault(in.Cluster, defaultCluster), Service: in.Service}
	if in.Service != "" {
		return s.serviceRefOf(in)
	}
	if in.Revision != "" {
		return ref, errors.New("revision: only with a service")
	}
	missing := 0
	s.World(func(w *ecsim.World) {
		_, failures := w.DescribeClusters(ref.Region, []string{ref.Cluster})
		missing = len(failures)
	})
	if missing > 0 {
		return ref, fmt.Errorf("cluster: there is no %s in %s", clip(ref.Cluster), clip(ref.Region))
	}
	return ref, nil
}

func (s *Sandbox) steerInterrupt(in serviceSteer) (any, error) {
	if !slices.Contains([]string{"", "production", "other"}, in.Revision) {
		return nil, fmt.Errorf("revision: must be production or other (got %q)", in.Revision)
	}
	ref, err := s.interruptRefOf(in)
	if err != nil {
		return nil, err
	}
	var hit []string
	s.World(func(w *ecsim.World) {
		n := math.MaxInt
		if in.Count != nil {
			n = *in.Count
		}
		if in.Revision == "" {
			hit = w.Interrupt(ref, n, in.Zone, in.Reduce)
			return
		}
		hit = w.InterruptRevision(ref, n, in.Zone, in.Reduce, in.Revision == "production")
	})
	if hit == nil {
		hit = []string{}
	}
	return map[string]any{"interrupted": hit}, nil
}

func (s *Sandbox) steerPlacementFailure(in serviceSteer) (any, error) {
	ref, err := s.serviceRefOf(in)
	if err != nil {
		return nil, err
	}
	s.World(func(w *ecsim.World) { err = w.RaisePlacementFailure(ref) })
	return empty{}, err
}

// failModes are the ways to break an image, by the names that the steering API has for them.
var failModes = map[string]ecsim.FailMode{"image_pull": ecsim.FailImagePull, "secrets": ecsim.FailSecrets, "network": ecsim.FailNetwork,
	"exit": ecsim.FailExit, "health_check": ecsim.FailHealthCheck}

func (s *Sandbox) steerBreak(in serviceSteer) (any, error) {
	mode, ok := failModes[orDefault(in.Mode, "image_pull")]
	if !ok {
		return nil, fmt.Errorf("mode: must be one of %s (got %q)", strings.Join(sortedKeys(failModes), ", "), in.Mode)
	}
	return s.setBroken(in, mode)
}

func (s *Sandbox) steerRepair(in serviceSteer) (any, error) { return s.setBroken(in, ecsim.FailNone) }

func (s *Sandbox) setBroken(in serviceSteer, mode ecsim.FailMode) (any, error) {
	var err error
	if in.TaskDefinition != "" {
		s.World(func(w *ecsim.World) { err = w.SetTaskDefinitionBroken(s.region(in.Region), in.TaskDefinition, mode) })
		return empty{}, err
	}
	ref, err := s.serviceRefOf(in)
	if err != nil {
		return nil, err
	}
	s.World(func(w *ecsim.World) { err = w.SetBroken(ref, mode) })
	return empty{}, err
}

func (s *Sandbox) steerFault(f Fault) (any, error) {
	id, err := s.AddFault(f)
	if err != nil {
		return nil, err
	}
	return map[string]int{"id": id}, nil
}

func steerClearFaults(s *Sandbox, r *http.Request, _ []byte) (any, error) {
	id := 0
	if given := r.URL.Query().Get("id"); given != "" {
		var err error
		if id, err = strconv.Atoi(given); err != nil || id < 1 {
			return nil, fmt.Errorf("id: must be a positive number (got %q)", clip(given))
		}
	}
	return map[string]int{"cleared": s.ClearFaults(id)}, nil
}

func (s *Sandbox) steerDelivery(t Trouble) (any, error) {
	for name, share := range map[string]float64{"lost_share": t.LostShare, "duplicate_share": t.DuplicateShare, "late_share": t.LateShare} {
		if share < 0 || share > 1 {
			return nil, fmt.Errorf("%s: must be 0 to 1 (got %v)", name, share)
		}
	}
	if t.LateSeconds < 0 || t.LateSeconds > 86400 {
		return nil, fmt.Errorf("late_seconds: must be 0 to 86400 (got %v)", t.LateSeconds)
	}
	s.SetDelivery(t)
	return t, nil
}
