package demo

import (
	"fmt"
	"time"

	"github.com/backstop-ecs/backstop/internal/failover"
)

// warmUp is how long the tasks of the scenarios with a target group take from RUNNING until they answer.
const warmUp = 60 * time.Second

// serviceScenarios are the ones in which RUNNING is not serving, releases go wrong, starts are slow, services vanish and scalers err.
func serviceScenarios(n int, share func(int) int) []Scenario {
	return []Scenario{warmUpReturn(), blueGreenLoss(share), brokenReleaseAndLoss(share), slowStarts(n), serviceDeleted(n), scalerStorm(n, share)}
}

func warmUpReturn() Scenario {
	return Scenario{Name: "warm-up-return", About: "Spot is gone for half an hour; its tasks come back RUNNING a minute before they serve", Length: 2 * hour,
		Front: Front{TargetGroup: true, WarmUp: warmUp},
		Steps: []Step{
			at(30*minute, "Spot is gone from the whole region", spotHolds(0)),
			at(60*minute, "Spot is back; each task answers a minute after it is RUNNING", spotHolds(unlimited)),
		},
		Promises: []Promise{fullFrom("On-demand is given back only as Spot tasks come into service: from Spot's return on nothing is missing.", 60*minute, 2*hour)},
	}
}

func blueGreenLoss(share func(int) int) Scenario {
	loss := share(75)
	return Scenario{Name: "blue-green-loss", About: "a blue/green deployment bakes, and most tasks of the revision with the traffic are lost", Length: 3 * hour,
		Front: Front{TargetGroup: true, WarmUp: warmUp, BlueGreen: true, Bake: 40 * minute},
		Steps: []Step{
			at(20*minute, "a blue/green deployment of Spot begins", func(s *Stage) error { return s.DeploySpot(false) }),
			at(40*minute, fmt.Sprintf("both revisions run; AWS takes %d tasks of the one with the traffic back", loss), func(s *Stage) error { s.loseProduction(loss); return nil }),
			at(100*minute, "Spot holds everything again", spotHolds(unlimited)),
		},
		Promises: []Promise{coveredWithin("Only the revision with the traffic counts: the loss is covered within 15 seconds, though as many tasks run as before.", 40*minute, loss, 15*time.Second)},
	}
}

func brokenReleaseAndLoss(share func(int) int) Scenario {
	loss := share(60)
	return Scenario{Name: "broken-release-and-loss", About: "a release that cannot start is rolled out to Spot, and old tasks are lost meanwhile", Length: 3 * hour,
		Steps: []Step{
			at(20*minute, "a release whose image cannot be pulled is rolled out to Spot; the old tasks run on", func(s *Stage) error { return s.DeploySpot(true) }),
			at(30*minute, fmt.Sprintf("Spot loses room for %d tasks", loss), func(s *Stage) error { s.loseProduction(loss); return nil }),
			at(70*minute, "the release is rolled back", func(s *Stage) error { return s.DeploySpot(false) }),
			at(90*minute, "Spot holds everything again", spotHolds(unlimited)),
		},
		Promises: []Promise{
			coveredWithin("What is lost is covered within 15 seconds, whatever the release does.", 30*minute, loss, 15*time.Second),
			fullFrom("The cover runs the release that works: from two minutes after the loss on nothing is missing.", 32*minute, 3*hour),
		},
	}
}

func slowStarts(n int) Scenario {
	most := max(2*n, n+surplus(n)+2)
	return Scenario{Name: "slow-starts", About: "no Spot for an hour, and on-demand tasks take four to ten minutes to start", Length: 3 * hour,
		Steps: []Step{
			at(25*minute, "on-demand starts take 4 to 10 minutes from now on", func(s *Stage) error { s.StartSlowly(4*minute, 7*minute, 10*minute); return nil }),
			at(30*minute, "Spot is gone from the whole region", spotHolds(0)),
			at(90*minute, "Spot is back", spotHolds(unlimited)),
		},
		Promises: []Promise{atMostAsked(fmt.Sprintf("Late starts do not pile up: on-demand is asked for twice what is needed at most (%d).", most), most)},
	}
}

// surplus is the most that the default policy starts beyond a gap of n tasks.
func surplus(n int) int {
	p, _ := failover.Preset(failover.PresetFill)
	return int(p.Overstart*float64(n)) + 1
}

func serviceDeleted(n int) Scenario {
	return Scenario{Name: "service-deleted", About: "the Spot service is deleted by mistake, and made again an hour later", Length: 3 * hour,
		Steps: []Step{
			at(30*minute, "someone deletes the Spot service", func(s *Stage) error { return s.DeleteSpot() }),
			at(90*minute, "the Spot service is created again", func(s *Stage) error { return s.CreateSpot() }),
		},
		Promises: []Promise{
			coveredWithin("A service that is deleted is covered in full within 30 seconds, while its tasks still run.", 30*minute, n, 30*time.Second),
			missingAtMost("Once the cover is there nothing is missing until the service is back, and none of it goes before its tasks serve.", 35*minute, 3*hour, 0),
		},
	}
}

func scalerStorm(n int, share func(int) int) Scenario {
	const jobs = 30
	holds := max(1, share(20))
	return Scenario{Name: "scaler-storm", About: "workers scale on the backlog for each Spot task, and Spot holds a fifth of them", Length: 3 * hour,
		Steps: []Step{
			at(5*minute, fmt.Sprintf("auto scaling keeps %d jobs for each task of the Spot service", jobs), func(s *Stage) error { return s.ScaleByBacklog(15*n, jobs) }),
			at(30*minute, fmt.Sprintf("Spot holds %d tasks", holds), spotHolds(holds)),
			at(32*minute, "the same backlog is divided by the Spot tasks alone: auto scaling takes the loss for load", func(s *Stage) error { return s.Backlog(jobs * float64(n) / float64(holds)) }),
			at(60*minute, "Spot is back", spotHolds(unlimited)),
			at(65*minute, "the backlog for each task falls", func(s *Stage) error { return s.Backlog(jobs / 5) }),
		},
		Promises: []Promise{
			coveredWithin("The loss itself is covered within 15 seconds.", 30*minute, n-holds, 15*time.Second),
			followedStepwise(fmt.Sprintf("A demand that runs away in a gap is followed step by step: by %d tasks for each start-up time since the gap began.", n), 30*minute, n, 2*minute),
		},
	}
}
