package demo

import (
	"fmt"
	"time"
)

const (
	unlimited = -1
	minute    = time.Minute
	hour      = time.Hour
	zoneB     = "us-east-1b"
)

// Scenarios lists what can be played, for a workload of n tasks, the default first.
func Scenarios(n int) []Scenario {
	share := func(percent int) int { return (n*percent + 50) / 100 }
	return append([]Scenario{
		day(n, share),
		{Name: "calm", About: "six hours in which nothing goes wrong", Length: 6 * hour},
		{Name: "interruption", About: "one Spot task is interrupted, and there is capacity for another", Length: hour,
			Steps: []Step{at(20*minute, "AWS takes one Spot task back", interrupted(1))}},
		{Name: "zone-sweep", About: "Spot vanishes from one of three zones for 40 minutes", Length: 2 * hour, Steps: []Step{
			at(30*minute, "Spot is gone from "+zoneB, zoneHolds(zoneB, 0)),
			at(70*minute, "Spot is back in "+zoneB, zoneHolds(zoneB, unlimited)),
		}},
		{Name: "shortage", About: "no Spot at all for an hour", Length: 3 * hour, Steps: []Step{
			at(30*minute, "Spot is gone from the whole region", spotHolds(0)),
			at(90*minute, "Spot is back", spotHolds(unlimited)),
		}},
		{Name: "partial", About: "Spot holds 60 %, then 85 %, then everything", Length: 4 * hour, Steps: []Step{
			at(30*minute, fmt.Sprintf("Spot holds %d tasks", share(60)), spotHolds(share(60))),
			at(90*minute, fmt.Sprintf("Spot holds %d tasks", share(85)), spotHolds(share(85))),
			at(150*minute, "Spot holds everything again", spotHolds(unlimited)),
		}},
		{Name: "flapping", About: "Spot comes and goes every six minutes for two hours", Length: 4 * hour,
			Steps: flapping(30*minute, 2*hour, 6*minute, share(30))},
		{Name: "morning-peak", About: "three days; each morning demand rises by a fifth while Spot falls to 40 % and less", Length: 72 * hour,
			Steps: mornings(3, n, share)},
		{Name: "broken-image", About: "a deploy whose image cannot be pulled: no Spot shortage, so no failover", Length: 3 * hour, HalfMayGo: true, Steps: []Step{
			at(30*minute, "a deploy ships an image that cannot be pulled", deployed(true)),
			at(90*minute, "a deploy ships a good image", deployed(false)),
		}},
		{Name: "on-demand-short", About: "Spot falls to 40 % and on-demand can give 30 % only, for an hour", Length: 3 * hour, Steps: []Step{
			at(30*minute, fmt.Sprintf("on-demand can hold %d tasks", share(30)), onDemandHolds(share(30))),
			at(30*minute, fmt.Sprintf("Spot holds %d tasks", share(40)), spotHolds(share(40))),
			at(90*minute, "on-demand is there again", onDemandHolds(unlimited)),
			at(110*minute, "Spot is back", spotHolds(unlimited)),
		}},
		{Name: "deploy-during-shortage", About: "Spot holds half for an hour; a rolling deploy in the middle of it", Length: 3 * hour, Steps: []Step{
			at(30*minute, fmt.Sprintf("Spot holds %d tasks", share(50)), spotHolds(share(50))),
			at(50*minute, "a rolling deploy begins", deployed(false)),
			at(90*minute, "Spot is back", spotHolds(unlimited)),
		}},
	}, serviceScenarios(n, share)...)
}

// day mixes several kinds of trouble into 24 hours.
func day(n int, share func(int) int) Scenario {
	steps := []Step{
		at(2*hour+10*minute, "AWS takes one Spot task back", interrupted(1)),
		at(4*hour, "Spot is gone from "+zoneB, zoneHolds(zoneB, 0)),
		at(4*hour+45*minute, "Spot is back in "+zoneB, zoneHolds(zoneB, unlimited)),
		at(7*hour, fmt.Sprintf("morning: demand rises to %d", share(120)), wanted(share(120))),
		at(7*hour+20*minute, fmt.Sprintf("Spot holds %d tasks", share(70)), spotHolds(share(70))),
		at(8*hour, fmt.Sprintf("Spot holds %d tasks", share(40)), spotHolds(share(40))),
		at(8*hour+30*minute, "a rolling deploy begins", deployed(false)),
		at(9*hour+40*minute, fmt.Sprintf("Spot holds %d tasks", share(90)), spotHolds(share(90))),
		at(10*hour+15*minute, "Spot holds everything again", spotHolds(unlimited)),
		at(11*hour, fmt.Sprintf("demand is back at %d", n), wanted(n)),
		at(13*hour, "a deploy ships an image that cannot be pulled", deployed(true)),
		at(13*hour+25*minute, "a deploy ships a good image", deployed(false)),
		at(19*hour, "Spot is gone from the whole region", spotHolds(0)),
		at(20*hour, "Spot is back", spotHolds(unlimited)),
		at(22*hour, fmt.Sprintf("AWS takes %d Spot tasks back", share(10)), interrupted(share(10))),
	}
	steps = append(steps, flapping(15*hour+30*minute, hour, 10*minute, share(50))...)
	return Scenario{Name: "day", About: "a day of Spot trouble of most kinds", Length: 24 * hour, Steps: sorted(steps)}
}

// flapping lets Spot fall to low and come back, each for a spell, from a moment on for a while.
func flapping(from, long, spell time.Duration, low int) []Step {
	var out []Step
	for t := time.Duration(0); t < long; t += 2 * spell {
		out = append(out, at(from+t, fmt.Sprintf("Spot holds %d tasks", low), spotHolds(low)),
			at(from+t+spell, "Spot holds everything again", spotHolds(unlimited)))
	}
	return out
}

// mornings is the peak from seven to ten of some days, each a little worse than the one before.
func mornings(days, n int, share func(int) int) []Step {
	var out []Step
	for d := range days {
		begin := time.Duration(d) * 24 * hour
		low := share(40 - 15*d)
		out = append(out,
			at(begin+6*hour+30*minute, fmt.Sprintf("morning: demand rises to %d", share(120)), wanted(share(120))),
			at(begin+7*hour, fmt.Sprintf("Spot holds %d tasks", share(75)), spotHolds(share(75))),
			at(begin+7*hour+40*minute, fmt.Sprintf("Spot holds %d tasks", low), spotHolds(low)),
			at(begin+9*hour, fmt.Sprintf("Spot holds %d tasks", share(90)), spotHolds(share(90))),
			at(begin+9*hour+45*minute, "Spot holds everything again", spotHolds(unlimited)),
			at(begin+18*hour, fmt.Sprintf("evening: demand falls to %d", n), wanted(n)),
		)
	}
	return out
}
