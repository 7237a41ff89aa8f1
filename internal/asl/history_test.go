package asl

import (
	"testing"
	"time"

	"github.com/backstop-ecs/backstop/internal/ecsim"
)

// historyMost are the events that an execution may have (T44).
const historyMost = 25_000

// eventsOf is how many events a pass through a state of a type writes at most (T44).
var eventsOf = map[string]int{"Pass": 2, "Choice": 2, "Wait": 2, "Task": 5, "Succeed": 2, "Fail": 2}

// rounds is how often room is looked for while there is none, looks how often a task is looked at that runs from some age of its execution on.
func rounds(without time.Duration) (n int) {
	for sought, wait := 0, seekFirst; sought < int(without.Seconds()); n++ {
		sought, wait = sought+wait, max(min(seekMost, 2*wait), sought/seekShare)
	}
	return n
}

func looks(from, runs time.Duration) (n int) {
	for age := int(from.Seconds()); age < int((from + runs).Seconds()); n++ {
		age += min(pauseMost, max(pollMost, age/pauseShare))
	}
	return n
}

// TestAnExecutionsHistoryIsEnough for what docs/workflows.md says: a day without room, then a week with twenty starts.
func TestAnExecutionsHistoryIsEnough(t *testing.T) {
	const (
		starts = 20
		start  = 2*7 + 10*9 // two pools, and ten looks until the task runs
		room   = 2*7 + 2    // two pools, and the wait
		look   = 2 + 5 + 2
	)
	day := 24 * time.Hour
	events := rounds(day)*room + looks(0, 7*day)*look + starts*start
	if events > historyMost {
		t.Errorf("%d events, of %d", events, historyMost)
	}
}

// playLong holds what is reckoned above to the machine as it is played: three hours without room, then four of a task that is interrupted once.
func playLong(s *scene) {
	s.supply(ecsim.FargateSpot, 0)
	s.supply(ecsim.Fargate, 0)
	s.req.GiveUp = 4 * time.Hour
	s.then = func(passed time.Duration) {
		switch {
		case passed > 5*time.Hour && len(s.tasks()) == 1:
			s.supply(ecsim.FargateSpot, 0)
			s.supply(ecsim.Fargate, 1)
		case passed > 3*time.Hour && len(s.tasks()) == 0:
			s.supply(ecsim.FargateSpot, 1)
		}
	}
	a := s.play("a", nil)
	s.want(a, "done on FARGATE after 2 starts, 1 interrupted", 1) // ECS has forgotten the first
	events, passes := 0, map[string]int{}
	for _, name := range a.States {
		passes[name]++
		for _, known := range machine().States {
			if known.name == name {
				events += eventsOf[known.Type]
			}
		}
	}
	if want := rounds(3 * time.Hour); passes["Seek"] < want-2 || passes["Seek"] > want+2 {
		s.t.Errorf("looked for room %d times, reckoned %d", passes["Seek"], want)
	}
	if want := looks(3*time.Hour, 6*time.Hour); passes["Look"] < want || passes["Look"] > want+20 {
		s.t.Errorf("looked %d times, reckoned %d and at most 20 for the two starts", passes["Look"], want)
	}
	s.t.Logf("%d events: %v", events, passes)
}
