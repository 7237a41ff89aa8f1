package adopt

import (
	"fmt"
	"strings"

	"github.com/backstop-ecs/backstop/internal/discover"
	"github.com/backstop-ecs/backstop/internal/wording"
)

// Terraform writes the plan for those who apply infrastructure as code, step by step in the order of the plan: what Terraform makes as resources, and what is done
// by hand as comments. It is as terraform fmt writes it.
func (p *Plan) Terraform(s *discover.Service) (string, error) {
	var b strings.Builder
	comment := func(format string, args ...any) {
		for _, line := range strings.Split(fmt.Sprintf(format, args...), "\n") {
			b.WriteString(strings.TrimRight("# "+line, " ") + "\n")
		}
	}
	comment("Written by backstop adopt %s --terraform from the live service in %s. Nothing was changed.", p.Service, p.Region)
	comment("Apply it step by step, each only when the one before it is done; the tasks and costs of each: backstop adopt %s", wording.Shell(p.Service))
	moves := false
	for i := range p.Steps {
		st := &p.Steps[i]
		b.WriteString("\n")
		comment("Step %d, %s: %s.", i+1, st.Name, st.Does)
		switch st.Name {
		case StepTwin:
			comment("terraform apply makes it. In the next steps leave %s to your own configuration.", p.Service)
			text, err := s.Terraform(p.Twin)
			if err != nil {
				return "", err
			}
			b.WriteString("\n" + text)
		case StepGuard:
			comment("terraform apply installs it, observing only.")
			b.WriteString("\n" + discover.Guard(s, p.Twin))
		case StepMove:
			moves = true
			byHand(comment, st)
			comment("Then write it into your resource, so that a plan shows no change:\n\n%s", moved(s))
		default:
			byHand(comment, st)
		}
	}
	if s.Capacity != "" || moves { // the module refuses a mixed strategy
		b.WriteString("\n")
		comment("%s", follow(p, moves))
	}
	return b.String(), nil
}

// byHand says what Terraform has no way for: it waits for no task in service, and a scalable target of its has no suspended state.
func byHand(comment func(string, ...any), st *Step) {
	comment("By hand:\n")
	for _, c := range st.Commands {
		comment("  %s", c)
	}
	if st.Wait != "" {
		comment("\nThen wait until %s.", st.Wait)
	}
}

// moved is what the service's own resource says after the move. Terraform's provider replaces a service, with all of its tasks, where a strategy takes the place of
// a launch type, and where force_new_deployment is not set: so the command comes first.
func moved(s *discover.Service) string {
	lines := []string{}
	if len(s.Live.Service.CapacityProviderStrategy) == 0 {
		lines = append(lines, "(take launch_type away)")
	}
	lines = append(lines, "capacity_provider_strategy {", "  capacity_provider = \"FARGATE_SPOT\"", "  weight            = 1", "}", "lifecycle {", "  ignore_changes = [desired_count]", "}")
	return "  " + strings.Join(lines, "\n  ") + "\n\nDo not apply a plan that replaces " + s.Name + ": Terraform's provider would make it again, with none of its tasks meanwhile."
}

// follow is how the module takes the place of the twin's resource.
func follow(p *Plan, moves bool) string {
	when := "now"
	if moves {
		when = "once it is moved"
	}
	own, twin := discover.TerraformName(p.Service), discover.TerraformName(p.Twin)
	return fmt.Sprintf(`Where %[1]s is a resource of this configuration, the module follows its releases. %[2]s, take
the twin's resource out, write this in its place, and let the workload above name module.%[3]s.name:

  module "%[3]s" {
    source = "./terraform/modules/twin"
    spot   = aws_ecs_service.%[4]s
    name   = %[5]q
  }

  moved {
    from = aws_ecs_service.%[3]s
    to   = module.%[3]s.aws_ecs_service.twin[0]
  }`, p.Service, wording.UpperFirst(when), twin, own, p.Twin)
}
