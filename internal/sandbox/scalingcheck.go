package sandbox

import (
	"slices"
	"strings"

	"github.com/backstop-ecs/backstop/internal/ecsim"
)

// scalingNamespaces are those of the service; the sandbox has targets in the first only.
var scalingNamespaces = []string{scalingNamespace, "elasticmapreduce", "ec2", "appstream", "dynamodb", "rds", "sagemaker", "custom-resource",
	"comprehend", "lambda", "cassandra", "kafka", "elasticache", "neptune", "workspaces"}

// scalingDimensions are those of the service; the sandbox has targets of the first only.
var scalingDimensions = []string{scalingDimension, "ec2:spot-fleet-request:TargetCapacity", "elasticmapreduce:instancegroup:InstanceCount",
	"appstream:fleet:DesiredCapacity", "dynamodb:table:ReadCapacityUnits", "dynamodb:table:WriteCapacityUnits", "dynamodb:index:ReadCapacityUnits",
	"dynamodb:index:WriteCapacityUnits", "rds:cluster:ReadReplicaCount", "sagemaker:variant:DesiredInstanceCount", "custom-resource:ResourceType:Property",
	"comprehend:document-classifier-endpoint:DesiredInferenceUnits", "comprehend:entity-recognizer-endpoint:DesiredInferenceUnits",
	"lambda:function:ProvisionedConcurrency", "cassandra:table:ReadCapacityUnits", "cassandra:table:WriteCapacityUnits", "kafka:broker-storage:VolumeSize",
	"elasticache:cache-cluster:Nodes", "elasticache:replication-group:NodeGroups", "elasticache:replication-group:Replicas", "neptune:cluster:ReadReplicaCount",
	"sagemaker:variant:DesiredProvisionedConcurrency", "sagemaker:inference-component:DesiredCopyCount", "workspaces:workspacespool:DesiredUserSessions"}

func scalingInvalid(format string, args ...any) *apiError {
	return refuse("ValidationException", format, args...)
}

// missingMember is the service's word on a parameter that must be there.
func missingMember(name string) *apiError {
	return scalingInvalid("1 validation error detected: Value null at '%s' failed to satisfy constraint: Member must not be null", name)
}

// checkScalingNames refuses names that the service does not have, all at once. An empty dimension is any.
func checkScalingNames(namespace, dimension string) error {
	var v violations
	known := func(value, member string, names []string) {
		if !slices.Contains(names, value) {
			v.add("'"+clip(value)+"'", member, "satisfy enum value set: ["+strings.Join(names, ", ")+"]")
		}
	}
	if namespace == "" {
		v.add("null", "serviceNamespace", "not be null")
	} else {
		known(namespace, "serviceNamespace", scalingNamespaces)
	}
	if dimension != "" {
		known(dimension, "scalableDimension", scalingDimensions)
	}
	return v.refusal("ValidationException")
}

// scalingRef reads service/CLUSTER/SERVICE of the one namespace and dimension that ECS services have.
func scalingRef(c *call, namespace, resource, dimension string) (ecsim.Ref, error) {
	if err := checkScalingNames(namespace, dimension); err != nil {
		return ecsim.Ref{}, err
	}
	switch {
	case resource == "":
		return ecsim.Ref{}, missingMember("resourceId")
	case dimension == "":
		return ecsim.Ref{}, missingMember("scalableDimension")
	case namespace != scalingNamespace || dimension != scalingDimension:
		return ecsim.Ref{}, scalingInvalid("Unsupported service namespace, resource type or scalable dimension: the sandbox knows ecs and %s", scalingDimension)
	}
	parts := strings.Split(resource, "/")
	if len(parts) != 3 || parts[0] != "service" || parts[1] == "" || parts[2] == "" {
		return ecsim.Ref{}, scalingInvalid("Unsupported resource ID: %s", clip(resource))
	}
	return ecsim.Ref{Region: c.region, Cluster: parts[1], Service: parts[2]}, nil
}
