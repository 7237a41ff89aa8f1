package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/backstop-ecs/backstop/internal/ecsim"
)

// startSecondsMax bounds the times that starts and warm-ups may take: a day.
const startSecondsMax = 86400

type twinsInput struct {
	Region             string  `json:"region"`
	Cluster            string  `json:"cluster"`
	Name               string  `json:"name"`
	Count              int     `json:"count"`
	CPU                int     `json:"cpu"`
	Memory             int     `json:"memory"`
	Arch               string  `json:"arch"`
	StopTimeoutSeconds int     `json:"stop_timeout_seconds"`
	Starting           bool    `json:"starting"`
	TargetGroup        bool    `json:"target_group"`
	WarmUpSeconds      float64 `json:"warm_up_seconds"`
	Strategy           string  `json:"strategy"`
	BakeMinutes        int     `json:"bake_minutes"`
}

func (s *Sandbox) steerTwins(in twinsInput) (any, error) {
	if in.Cluster == "" || in.Name == "" {
		return nil, errors.New("cluster, name: are missing")
	}
	if in.Count < 0 || in.Count > 5000 {
		return nil, fmt.Errorf("count: must be 0 to 5000 (got %d)", in.Count)
	}
	if !(in.WarmUpSeconds >= 0 && in.WarmUpSeconds <= startSecondsMax) {
		return nil, fmt.Errorf("warm_up_seconds: must be 0 to %d (got %v)", startSecondsMax, in.WarmUpSeconds)
	}
	if err := checkStrategy(in.Strategy, in.BakeMinutes); err != nil {
		return nil, err
	}
	err := s.Setup(Twins{Region: in.Region, Cluster: in.Cluster, Name: in.Name, Count: in.Count, CPU: in.CPU, Memory: in.Memory, Arch: in.Arch,
		StopTimeout: time.Duration(in.StopTimeoutSeconds) * time.Second, Starting: in.Starting,
		TargetGroup: in.TargetGroup, WarmUp: time.Duration(in.WarmUpSeconds * float64(time.Second)), Strategy: in.Strategy, Bake: minutes(in.BakeMinutes)})
	if err != nil {
		return nil, err
	}
	return map[string]string{"spot": in.Name + "-spot", "standard": in.Name + "-standard"}, nil
}

// percentiles are P50, P95 and P99 in seconds; in JSON a single number stands for all three.
type percentiles [3]float64

// UnmarshalJSON reads a number, or a list of three that do not fall.
func (p *percentiles) UnmarshalJSON(raw []byte) error {
	var all []float64
	if json.Unmarshal(raw, &all) != nil {
		var one float64
		if err := json.Unmarshal(raw, &one); err != nil {
			return errors.New("want a number of seconds, or [P50, P95, P99]")
		}
		all = []float64{one, one, one}
	}
	if len(all) != 3 {
		return fmt.Errorf("want three percentiles, P50, P95 and P99 (got %d)", len(all))
	}
	*p = percentiles(all)
	return nil
}

func (p *percentiles) check(name string) error {
	if p == nil {
		return nil
	}
	for i, seconds := range p {
		if !(seconds >= 0 && seconds <= startSecondsMax) || i > 0 && seconds < p[i-1] {
			return fmt.Errorf("%s: P50, P95 and P99 must be 0 to %d and not fall (got %v)", name, startSecondsMax, *p)
		}
	}
	return nil
}

func (p *percentiles) durations() [3]time.Duration {
	var d [3]time.Duration
	for i, seconds := range p {
		d[i] = time.Duration(seconds * float64(time.Second))
	}
	return d
}

// answersInput says which applications answer.
type answersInput struct {
	Region  string `json:"region"`
	Cluster string `json:"cluster"`
	Service string `json:"service"`
	Count   *int   `json:"count"` // null: all
	Answers bool   `json:"answers"`
}

func (s *Sandbox) steerAnswers(in answersInput) (any, error) {
	ref, err := s.serviceRefOf(serviceSteer{Region: in.Region, Cluster: in.Cluster, Service: in.Service})
	if err != nil {
		return nil, err
	}
	changed := []string{}
	s.World(func(w *ecsim.World) {
		_, n, _ := w.Counts(ref)
		if in.Count != nil {
			n = *in.Count
		}
		changed = append(changed, w.SetAnswering(ref, n, in.Answers)...)
	})
	return map[string]any{"changed": changed}, nil
}
