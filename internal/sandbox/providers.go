package sandbox

import (
	"slices"

	"github.com/backstop-ecs/backstop/internal/ecsim"
)

// clusterProviders are the capacity providers of a cluster, and its default strategy.
type clusterProviders struct {
	names    []string
	standard []strategyJSON
}

// providersOf are a cluster's own, or both kinds of Fargate where it was made without a list. AWS's clusters then have none, and refuse what every first trial does.
func (s *Sandbox) providersOf(region, cluster string) clusterProviders {
	if own := s.providers[clusterKey{region, cluster}]; own != nil {
		return *own
	}
	return clusterProviders{[]string{ecsim.Fargate, ecsim.FargateSpot}, []strategyJSON{}}
}

func (s *Sandbox) associate(key clusterKey, in *clusterInput) {
	s.providers[key] = &clusterProviders{append([]string{}, in.CapacityProviders...), append([]strategyJSON{}, in.DefaultCapacityProviderStrategy...)}
}

const notAssociated = "The specified capacity provider strategy cannot contain a capacity provider that is not associated with the cluster. Associate the capacity provider with the cluster or specify a valid capacity provider and try again."

// checkProviders refuses providers that there are none of, and a default strategy over others.
func (in *clusterInput) checkProviders() error {
	for _, name := range in.CapacityProviders {
		if name != ecsim.Fargate && name != ecsim.FargateSpot {
			return ecsInvalid("The specified capacity provider %s was not found. Specify a valid name or ARN and try again.", clip(name))
		}
	}
	for _, item := range in.DefaultCapacityProviderStrategy {
		if !slices.Contains(in.CapacityProviders, item.CapacityProvider) {
			return ecsInvalid("%s", notAssociated)
		}
	}
	return nil
}

// strategyIn is the strategy of a call in a cluster: its own, or without a launch type the cluster's default. A provider that the cluster lacks is refused.
func (s *Sandbox) strategyIn(region, cluster, launchType string, own []strategyJSON) ([]strategyJSON, error) {
	of := s.providersOf(region, cluster)
	if launchType == "" && len(own) == 0 {
		return of.standard, nil
	}
	for _, item := range own {
		if (item.CapacityProvider == ecsim.Fargate || item.CapacityProvider == ecsim.FargateSpot) && !slices.Contains(of.names, item.CapacityProvider) {
			return nil, ecsInvalid("%s", notAssociated) // what is no provider at all is the model's to refuse
		}
	}
	return own, nil
}

func (s *Sandbox) putClusterCapacityProviders(c *call, in *clusterInput) (*clusterOutput, error) {
	name, found, err := clusterOf(s, c, in.Cluster)
	if err != nil {
		return nil, err
	}
	if err := in.checkProviders(); err != nil {
		return nil, err
	}
	s.associate(clusterKey{c.region, name}, in)
	return &clusterOutput{clusterShown(s, found)}, nil
}

type capacityProviderJSON struct {
	CapacityProviderArn string    `json:"capacityProviderArn"`
	Name                string    `json:"name"`
	Status              string    `json:"status"`
	Tags                []tagJSON `json:"tags"`
}

type capacityProvidersOutput struct {
	CapacityProviders []capacityProviderJSON `json:"capacityProviders"`
	Failures          []failureJSON          `json:"failures"`
}

func (s *Sandbox) describeCapacityProviders(c *call, in *struct {
	CapacityProviders []string `json:"capacityProviders"`
}) (*capacityProvidersOutput, error) {
	names, err := s.namesOf(c, in.CapacityProviders)
	if err != nil {
		return nil, err
	}
	if len(names) == 0 {
		names = []string{ecsim.Fargate, ecsim.FargateSpot}
	}
	out := &capacityProvidersOutput{CapacityProviders: []capacityProviderJSON{}, Failures: []failureJSON{}}
	for _, name := range names {
		arn := s.providerARN(c.region, name)
		if name != ecsim.Fargate && name != ecsim.FargateSpot {
			out.Failures = append(out.Failures, failureJSON{ARN: arn, Reason: "MISSING"})
			continue
		}
		out.CapacityProviders = append(out.CapacityProviders, capacityProviderJSON{arn, name, "ACTIVE", []tagJSON{}})
	}
	return out, nil
}

func (s *Sandbox) providerARN(region, provider string) string {
	return "arn:aws:ecs:" + region + ":" + s.account() + ":capacity-provider/" + provider
}
