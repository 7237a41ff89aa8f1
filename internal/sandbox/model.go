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

// modelInput changes how tasks start from now on; what is left out stays as it is.
type modelInput struct {
	Provider       string       `json:"provider"` // empty: both
	StartUpSeconds *percentiles `json:"start_up_seconds"`
	WarmUpSeconds  *percentiles `json:"warm_up_seconds"`
	HungShare      *float64     `json:"hung_share"`
}

func (in *modelInput) check() error {
	if in.Provider != "" {
		if err := checkProvider(in.Provider); err != nil {
			return err
		}
	}
	if err := errors.Join(in.StartUpSeconds.check("start_up_seconds"), in.WarmUpSeconds.check("warm_up_seconds")); err != nil {
		return err
	}
	if in.StartUpSeconds != nil && in.StartUpSeconds[0] == 0 {
		return errors.New("start_up_seconds: P50 must be above 0")
	}
	if share := in.HungShare; share != nil && !(*share >= 0 && *share <= 1) {
		return fmt.Errorf("hung_share: must be 0 to 1 (got %v)", *share)
	}
	return nil
}

func (s *Sandbox) steerModel(in modelInput) (any, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	if in.StartUpSeconds == nil && in.WarmUpSeconds == nil && in.HungShare == nil {
		return nil, errors.New("start_up_seconds, warm_up_seconds, hung_share: are all missing")
	}
	s.World(func(w *ecsim.World) {
		for _, provider := range []string{ecsim.Fargate, ecsim.FargateSpot} {
			if in.Provider != "" && in.Provider != provider {
				continue
			}
			if in.StartUpSeconds != nil {
				d := in.StartUpSeconds.durations()
				w.SetStartUp(provider, ecsim.StartUp{P50: d[0], P95: d[1], P99: d[2]})
			}
			if in.WarmUpSeconds != nil {
				d := in.WarmUpSeconds.durations()
				w.SetWarmUp(provider, ecsim.WarmUp{P50: d[0], P95: d[1], P99: d[2]})
			}
			if in.HungShare != nil {
				w.SetHungStarts(provider, *in.HungShare)
			}
		}
	})
	return empty{}, nil
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
