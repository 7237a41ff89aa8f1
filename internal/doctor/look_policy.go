package doctor

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/backstop-ecs/backstop/internal/aws/policysim"
)

// resourcesMost is how many resources are asked about in one call; IAM pages beyond a hundred answers.
const resourcesMost = 50

// simulate asks IAM whether the role's policies allow what the guard does.
func (l *looker) simulate(ctx context.Context) {
	if l.o.Pause == nil || len(l.o.Policies) == 0 {
		return
	}
	groups := map[string][]deed{} // of one action and context
	deeds := l.f.deeds()
	for _, d := range deeds {
		key := d.action
		for _, name := range slices.Sorted(maps.Keys(d.context)) {
			key += "\n" + name + "=" + d.context[name]
		}
		groups[key] = append(groups[key], d)
	}
	for _, key := range slices.Sorted(maps.Keys(groups)) {
		for part := range slices.Chunk(groups[key], resourcesMost) {
			if !l.ask(ctx, part) {
				return
			}
		}
	}
	n := len(deeds)
	l.f.simulated = &n
}

// ask asks about deeds of one action and context.
func (l *looker) ask(ctx context.Context, deeds []deed) bool {
	in := policysim.Input{Policies: l.o.Policies, Action: deeds[0].action, Context: map[string][]string{}}
	for _, d := range deeds {
		in.Resources = append(in.Resources, d.resource)
	}
	for name, value := range deeds[0].context {
		in.Context[name] = []string{value}
	}
	at := place{region: l.o.AWS.Region}
	return l.call(ctx, Subject{Kind: KindAccount}, at, callSimulate, "simulate the policy for "+in.Action, func(ctx context.Context) error {
		refused, err := policysim.Refused(ctx, l.config(at), in)
		for _, resource := range refused {
			l.f.refused = append(l.f.refused, deed{action: in.Action, resource: resource})
		}
		return err
	})
}

func checkPolicy(x *exam) verdict {
	switch {
	case x.f.simulated == nil:
		return skip("IAM was not asked: backstop doctor --live --policy FILE, with what `terraform output -raw policy` prints")
	case len(x.f.refused) > 0:
		var texts, actions []string
		for _, d := range x.f.refused {
			texts = append(texts, d.text())
			if !slices.Contains(actions, d.action) {
				actions = append(actions, d.action)
			}
		}
		if slices.Equal(actions, []string{"ecs:StopTask"}) { // may be left out: stop_late_tasks = false
			return bad(Warn, "nothing, if stop_late_tasks = false is meant; otherwise docs/iam.md has what ecs:StopTask needs",
				"the policy does not allow %s: tasks that never come into service are only reported", someOf(texts))
		}
		return bad(Fail, "docs/iam.md has what "+strings.Join(actions, ", ")+" need", "the policy does not allow %s", someOf(texts))
	}
	return okay("the policy allows each of the %d kinds of call that the guard makes", *x.f.simulated)
}

// someOf joins the first few of many.
func someOf(texts []string) string {
	const most = 6
	if len(texts) > most {
		texts = append(texts[:most:most], "...")
	}
	return strings.Join(texts, "; ")
}
