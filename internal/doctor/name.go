package doctor

import (
	"strings"

	"github.com/backstop-ecs/backstop/internal/control"
)

// resourceID is a service's name in Application Auto Scaling.
func resourceID(r control.ServiceRef) string { return "service/" + r.Cluster + "/" + r.Service }

// revision returns family and revision of a task definition's ARN.
func revision(arn string) string { return arn[strings.LastIndexByte(arn, '/')+1:] }

func lastPart(arn string) string { return arn[strings.LastIndexAny(arn, ":/")+1:] }
