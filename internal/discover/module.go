package discover

import (
	"fmt"
	"strings"

	"github.com/backstop-ecs/backstop/internal/failover"
)

// Module writes the Terraform that installs Backstop for the proposal, observing only, and before it the twins that are
// missing and may be made. With nothing to guard it is empty.
func Module(found *Found, p Proposal) (string, error) {
	var twins, workloads strings.Builder
	var scaled []*Service
	for i := range p.Pairs {
		pair := &p.Pairs[i]
		writeWorkload(&workloads, workloadName(pair.Name), &pair.Spot, fmt.Sprintf("%q", pair.OnDemand.Name))
		scaled = append(scaled, &pair.Spot, &pair.OnDemand)
	}
	for i := range p.Alone {
		s := &p.Alone[i]
		if why := s.Refusal(); why != "" {
			fmt.Fprintf(&twins, "# %s can have no twin: %s.\n\n", s.Name, why)
			continue
		}
		for _, n := range s.Notes() {
			fmt.Fprintf(&twins, "# Note: %s.\n", n)
		}
		name := TwinName(s.Name)
		resource, err := s.Terraform(name)
		if err != nil {
			return "", err
		}
		twins.WriteString(resource + "\n")
		writeWorkload(&workloads, WorkloadOf(s.Name), s, "aws_ecs_service."+TerraformName(name)+".name")
		scaled = append(scaled, s)
	}
	if workloads.Len() == 0 {
		return "", nil
	}
	return fmt.Sprintf("# Written by backstop init --terraform from the live services in %s. Read it; docs/install.md says what it makes and costs.\n\n", found.Region) + twins.String() + guardModule(workloads.String(), scaled...), nil
}

// Guard writes the Terraform that installs Backstop for one service, observing only. Its twin is the resource that [Service.Terraform] writes.
func Guard(s *Service, twinName string) string {
	var b strings.Builder
	writeWorkload(&b, WorkloadOf(s.Name), s, "aws_ecs_service."+TerraformName(twinName)+".name")
	return guardModule(b.String(), s)
}

// guardModule is the module with these workloads, and what is scaled of these services.
func guardModule(workloads string, services ...*Service) string {
	targets := ""
	for _, s := range services {
		if s.ScalingARN != "" {
			targets += fmt.Sprintf("    %q, # %s\n", s.ScalingARN, s.Name)
		}
	}
	if targets != "" {
		targets = "\n  # What may be suspended while an order or a breaker holds a count down.\n  scalable_target_arns = [\n" + targets + "  ]\n"
	}
	return `module "backstop" {
  source = "./terraform" # of the repository

  # Of a release, or made by scripts/lambda-zip.
  lambda_zip = "dist/backstop-lambda_arm64.zip"

  # Decide and record, with no permission to change anything. Take it away to act.
  observe = true

  workloads = [
` + workloads + "  ]\n" + targets + "}\n"
}

func writeWorkload(b *strings.Builder, name string, spot *Service, twin string) {
	fmt.Fprintf(b, "    {\n      name = %q\n      task = { cpu = %d, memory = %d, arch = %q }\n      pools = [\n", name, spot.Task.CPU, spot.Task.Memory, spot.Task.Arch)
	fmt.Fprintf(b, "        { name = \"spot\", cluster = %q, service = %q, capacity = %q },\n", spot.Cluster, spot.Name, failover.Spot)
	fmt.Fprintf(b, "        { name = \"standard\", cluster = %q, service = %s, capacity = %q },\n      ]\n    },\n", spot.Cluster, twin, failover.OnDemand)
}
