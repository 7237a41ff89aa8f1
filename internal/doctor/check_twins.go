package doctor

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/backstop-ecs/backstop/internal/twin"
	"github.com/backstop-ecs/backstop/internal/wording"
)

// twins returns the workload's first pool and the others. Where only one pool is there, there are no twins.
func (x *exam) twins() (first *poolFacts, others []*poolFacts) {
	for k := range x.w.Refs {
		p := x.f.pools[subjectOf(x.w, k)]
		if p == nil || p.service == nil {
			continue
		}
		if first == nil {
			first = p
		} else {
			others = append(others, p)
		}
	}
	return first, others
}

// together reports whether two services' subnets, security groups and target groups can be the same ones.
func (p *poolFacts) together(o *poolFacts) bool {
	return p.ref.Region == o.ref.Region && p.ref.RoleARN == o.ref.RoleARN
}

// idle says that a service has no task and that ECS makes its deployments, so that a change of it stops nothing.
func (p *poolFacts) idle() bool {
	sv := p.service
	return p.policy.Capacity == onDemand && sv.DesiredCount == 0 && sv.RunningCount == 0 && sv.PendingCount == 0 &&
		(sv.DeploymentController == nil || sv.DeploymentController.Type == types.DeploymentControllerTypeEcs)
}

// live is the pool's service as package twin compares it.
func (p *poolFacts) live() twin.Live { return twin.Live{Service: p.service, Revision: p.revision} }

// byKind are refusals that the check service-kind judges for each pool.
var byKind = []string{"DeploymentController", "TaskSets", "SchedulingStrategy"}

// checkTwinPossible looks for what keeps one service from standing in for another at all.
func checkTwinPossible(x *exam) verdict {
	first, others := x.twins()
	for _, p := range append([]*poolFacts{first}, others...) {
		for _, r := range twin.Refusals(p.live()) {
			if !slices.Contains(byKind, r.Field) {
				return bad(Fail, r.Fix, "%s: %s", p.ref.Service, r.What)
			}
		}
	}
	return okay("nothing is in the way")
}

// Fields, by AWS's names, in which twins may differ on purpose, and those that the same service elsewhere has as well.
var (
	loose    = []string{"deploymentConfiguration", "enableECSManagedTags", "monitoring", "propagateTags", "tags"}
	portable = []string{"enableExecuteCommand", "healthCheckGracePeriodSeconds", "platformFamily", "platformVersion"}
)

// differences of a pool and the first one, the vital ones first.
func (p *poolFacts) differences(first *poolFacts) ([]twin.Difference, error) {
	all, err := twin.Differences(first.live(), p.live())
	if err != nil {
		return nil, err
	}
	content := ""
	if !p.together(first) || architecture(p) != architecture(first) { // revisions cannot be the same there
		content = contentDiffers(first.definition, p.definition)
	}
	all = slices.DeleteFunc(all, func(d twin.Difference) bool {
		return !p.together(first) && !slices.Contains(portable, d.Top()) || d.Top() == "taskDefinition" && architecture(p) != architecture(first)
	})
	if content != "" {
		all = append(all, twin.Difference{Field: "taskDefinition", Service: "the same", Twin: content})
	}
	slices.SortStableFunc(all, func(a, b twin.Difference) int { return rank(&a) - rank(&b) })
	return all, nil
}

// rank is 0 for what makes cover serve nothing, 1 for what makes it another service, 2 for what may differ on purpose.
func rank(d *twin.Difference) int {
	switch {
	case d.Vital():
		return 0
	case slices.Contains(loose, d.Top()):
		return 2
	}
	return 1
}

// checkTwinSame compares every other pool with the first, by package twin.
func checkTwinSame(x *exam) verdict {
	first, others := x.twins()
	if len(others) == 0 {
		return skip("there is one pool only")
	}
	var v verdict
	var mentioned []string
	for _, p := range others {
		all, err := p.differences(first)
		if err != nil {
			return bad(Warn, p.command("describe-services"), "%s cannot be compared: %s", p.ref.Service, err)
		}
		var hard []twin.Difference
		var texts []string
		for i := range all {
			if rank(&all[i]) == 2 {
				mentioned = append(mentioned, p.ref.Service+": "+all[i].String())
				continue
			}
			hard, texts = append(hard, all[i]), append(texts, all[i].String())
		}
		if len(hard) == 0 {
			continue
		}
		change, fix := x.align(first, p, hard)
		if status := map[bool]Status{true: Fail, false: Warn}[hard[0].Vital()]; v.status != Fail {
			v.status = status
		}
		if v.text == "" {
			v.fix = fix
		} else {
			v.text += "; "
		}
		v.text += p.ref.Service + ": " + strings.Join(texts, ", ") + ": " + hard[0].Why()
		if change != nil {
			v.changes = append(v.changes, *change)
		}
	}
	unread := ""
	if slices.ContainsFunc(append(others, first), func(p *poolFacts) bool { return p.revision == nil }) {
		unread = "; unknown is what only a service revision shows (ecs:DescribeServiceRevisions): volumes, Service Connect"
	}
	switch {
	case v.status != "":
		return v
	case len(mentioned) > 0:
		return okay("the same in all that cover depends on; different: %s%s", strings.Join(mentioned, ", "), unread)
	}
	return okay("the same everywhere%s", unread)
}

// align is what makes a pool as the first one: the command, and the change for --fix where it stops nothing.
func (x *exam) align(first, p *poolFacts, differences []twin.Difference) (*Change, string) {
	if !p.together(first) {
		return nil, p.command("update-service") + " ...   # as " + first.ref.String() + " has it"
	}
	if architecture(p) != architecture(first) { // the first one's task definition is none for it
		differences = slices.DeleteFunc(slices.Clone(differences), func(d twin.Difference) bool { return d.Top() == "taskDefinition" })
	}
	in, left := twin.Align(first.live(), p.ref.Cluster, p.ref.Service, differences)
	wire, err := twin.WireUpdate(in)
	text, err2 := json.Marshal(wire)
	if err != nil || err2 != nil || len(wire) <= 2 { // the names alone
		return nil, p.command("update-service") + " ...   # " + strings.Join(left, ", ") + " as " + first.ref.Service + " has it"
	}
	fix := "aws ecs update-service --region " + p.ref.Region + " --cli-input-json " + wording.Shell(string(text))
	if !p.idle() {
		return nil, fix
	}
	var fields []string
	for i := range differences {
		if top := differences[i].Top(); !slices.Contains(fields, top) && !slices.Contains(left, top) {
			fields = append(fields, top)
		}
	}
	c := updateChange(p, in, strings.Join(fields, ", "))
	return &c, fix
}

// contentDiffers compares definitions of different regions, whose revisions need not agree.
func contentDiffers(a, b *types.TaskDefinition) string {
	if a == nil || b == nil {
		return ""
	}
	if aws.ToString(a.Cpu) != aws.ToString(b.Cpu) || aws.ToString(a.Memory) != aws.ToString(b.Memory) {
		return "another size of task"
	}
	image := func(d *types.TaskDefinition) (all []string) {
		for i := range d.ContainerDefinitions {
			name := aws.ToString(d.ContainerDefinitions[i].Image)
			all = append(all, name[strings.LastIndexByte(name, '/')+1:]) // registries differ by region
		}
		return all
	}
	if !slices.Equal(image(a), image(b)) {
		return "other images: " + strings.Join(image(b), ", ")
	}
	return ""
}

func checkTwinArchitecture(x *exam) verdict {
	first, others := x.twins()
	for _, p := range others {
		if a, b := architecture(first), architecture(p); a != b {
			return bad(Warn, p.command("update-service")+" --task-definition "+revision(aws.ToString(first.service.TaskDefinition))+"   # or leave it, with images for both",
				"%s: %s, not %s: the images must be built for both", p.ref.Service, b, a)
		}
	}
	return okay("%s", architecture(first))
}

func architecture(p *poolFacts) types.CPUArchitecture {
	if p.definition == nil || p.definition.RuntimePlatform == nil || p.definition.RuntimePlatform.CpuArchitecture == "" {
		return types.CPUArchitectureX8664
	}
	return p.definition.RuntimePlatform.CpuArchitecture
}
