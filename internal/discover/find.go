package discover

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	scaling "github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/backstop-ecs/backstop/internal/aws/failure"
	"github.com/backstop-ecs/backstop/internal/config"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/twin"
)

const (
	// clustersMax and servicesMax bound what is read of an account.
	clustersMax = 200
	servicesMax = 5000
	// describeMax is how many services one DescribeServices takes, pageMax the most of a ListServices page.
	describeMax = 10
	pageMax     = 100
)

// Service is one service on Fargate.
type Service struct {
	Cluster, Name string
	Family        string
	Desired       int
	// Capacity is what it runs on; empty when it mixes both.
	Capacity failover.Capacity
	Task     config.Task
	// ScalingMin and ScalingMax are of its scalable target, if Scaled.
	Scaled                 bool
	ScalingMin, ScalingMax int
	// ScalingARN is the scalable target's, which ends in an ID that AWS makes up.
	ScalingARN string
	// Suspended is what is suspended of its auto scaling already.
	Suspended scaling.SuspendedState
	// Policies move its scalable target.
	Policies []scaling.ScalingPolicy
	// Live is the service as AWS shows it. Its Revision is nil where it could not be read, or where a deployment is in progress.
	Live twin.Live
	// Definition is of its tasks; nil where it could not be read.
	Definition *types.TaskDefinition
	// Providers are the capacity providers of its cluster; nil where they could not be read.
	Providers []string
}

// Found is what was read of a region.
type Found struct {
	Region   string
	Services []Service
	// Queue is the URL of the one queue whose name says that it is Backstop's; empty when there is none, or several.
	Queue string
	// Quotas are Fargate's by code, and Whole reports whether every cluster was read, so that what counts against them is known.
	Quotas map[string]float64
	Whole  bool
	// Unread says what could not be read, and why; what depends on it is unknown.
	Unread []string
}

// Find reads the services of a region: of one cluster, or of all if it is empty.
func Find(ctx context.Context, cfg aws.Config, cluster string) (*Found, error) {
	client := ecs.NewFromConfig(cfg)
	clusters := []string{cluster}
	if cluster == "" {
		var err error
		if clusters, err = listClusters(ctx, client); err != nil {
			return nil, err
		}
	}
	found := &Found{Region: cfg.Region, Whole: cluster == ""}
	for _, c := range clusters {
		services, err := readCluster(ctx, client, c)
		if err != nil {
			return nil, err
		}
		if err := readScaling(ctx, cfg, services); err != nil {
			return nil, err
		}
		found.readPolicies(ctx, cfg, services)
		found.Services = append(found.Services, services...)
		if len(found.Services) > servicesMax {
			return nil, fmt.Errorf("read services: more than %d; name a cluster", servicesMax)
		}
	}
	found.readDefinitions(ctx, client)
	found.readRevisions(ctx, client)
	found.readProviders(ctx, client, clusters)
	found.readQuotas(ctx, cfg)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	slices.SortFunc(found.Services, func(a, b Service) int { return strings.Compare(a.Cluster+"/"+a.Name, b.Cluster+"/"+b.Name) })
	found.Queue = findQueue(ctx, cfg)
	return found, nil
}

func listClusters(ctx context.Context, client *ecs.Client) ([]string, error) {
	var out []string
	pages := ecs.NewListClustersPaginator(client, &ecs.ListClustersInput{})
	for pages.HasMorePages() && len(out) < clustersMax {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, failure.Wrap("ecs:ListClusters", "list clusters", err)
		}
		for _, arn := range page.ClusterArns {
			out = append(out, arn[strings.LastIndexByte(arn, '/')+1:])
		}
	}
	return out, nil
}

// readCluster returns the cluster's active services on Fargate.
func readCluster(ctx context.Context, client *ecs.Client, cluster string) ([]Service, error) {
	var arns []string
	pages := ecs.NewListServicesPaginator(client, &ecs.ListServicesInput{Cluster: &cluster, MaxResults: aws.Int32(pageMax)})
	for pages.HasMorePages() && len(arns) <= servicesMax {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, failure.Wrap("ecs:ListServices", "list services of cluster "+cluster, err)
		}
		arns = append(arns, page.ServiceArns...)
	}
	var out []Service
	for batch := range slices.Chunk(arns, describeMax) {
		page, err := client.DescribeServices(ctx, &ecs.DescribeServicesInput{Cluster: &cluster, Services: batch, Include: []types.ServiceField{types.ServiceFieldTags}})
		if err != nil {
			return nil, failure.Wrap("ecs:DescribeServices", "describe services of cluster "+cluster, err)
		}
		for i := range page.Services {
			live := &page.Services[i]
			capacity, fargate := capacityOf(live)
			if aws.ToString(live.Status) != "ACTIVE" || !fargate || live.SchedulingStrategy == types.SchedulingStrategyDaemon {
				continue
			}
			family, _, _ := strings.Cut(definitionName(aws.ToString(live.TaskDefinition)), ":")
			out = append(out, Service{Cluster: cluster, Name: aws.ToString(live.ServiceName), Family: family, Desired: int(live.DesiredCount), Capacity: capacity, Live: twin.Live{Service: live}})
		}
	}
	return out, nil
}

// definitionName returns family and revision.
func definitionName(arn string) string { return arn[strings.LastIndexByte(arn, '/')+1:] }

// capacityOf returns what a service runs on, "" for a mix, and whether that is Fargate at all.
func capacityOf(s *types.Service) (capacity failover.Capacity, fargate bool) {
	if len(s.CapacityProviderStrategy) == 0 {
		return failover.OnDemand, s.LaunchType == types.LaunchTypeFargate
	}
	used := map[failover.Capacity]bool{}
	for _, item := range s.CapacityProviderStrategy {
		c := failover.Capacity(aws.ToString(item.CapacityProvider))
		if c != failover.Spot && c != failover.OnDemand {
			return "", false
		}
		if item.Weight > 0 || item.Base > 0 {
			used[c] = true
			capacity = c
		}
	}
	if len(used) != 1 {
		return "", true
	}
	return capacity, true
}

// CapacityOf returns what a service on Fargate runs on; empty when it mixes both.
func CapacityOf(s *types.Service) failover.Capacity {
	c, _ := capacityOf(s)
	return c
}

// findQueue returns the queue that the Terraform module makes. Not being allowed to look is no reason to give up.
func findQueue(ctx context.Context, cfg aws.Config) string {
	out, err := sqs.NewFromConfig(cfg).ListQueues(ctx, &sqs.ListQueuesInput{QueueNamePrefix: aws.String("backstop")})
	if err != nil {
		return ""
	}
	queues := slices.DeleteFunc(out.QueueUrls, func(url string) bool { return strings.HasSuffix(url, "-dlq") || strings.HasSuffix(url, "-dead") })
	if len(queues) != 1 {
		return ""
	}
	return queues[0]
}
