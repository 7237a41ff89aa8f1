package doctor

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/backstop-ecs/backstop/internal/control"
)

// resourceID is a service's name in Application Auto Scaling.
func resourceID(r control.ServiceRef) string { return "service/" + r.Cluster + "/" + r.Service }

// revision returns family and revision of a task definition's ARN.
func revision(arn string) string { return arn[strings.LastIndexByte(arn, '/')+1:] }

func lastPart(arn string) string { return arn[strings.LastIndexAny(arn, ":/")+1:] }

// number reads a number that AWS writes as text, 0 if it is none.
func number(text string) float64 {
	n, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return 0
	}
	return n
}

var errMissing = errors.New("it is not in the answer")

func missing(what string) error { return fmt.Errorf("%s: %w", what, errMissing) }
