package verify

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"regexp"
	"strings"
	"time"
)

// TagKey is the tag of everything that a run makes; its value is the run's ID. Nothing without it is touched.
const TagKey = "backstop:verify"

// SwitchAfter is when the dead man's switch acts, counted from the start of a run; switchEnd is when its last schedule has acted.
const (
	SwitchAfter = 2 * time.Hour
	switchEnd   = SwitchAfter + 35*time.Minute
)

const namePrefix = "backstop-verify-"

var runID = regexp.MustCompile(`^[0-9a-f]{8}$`)

// NewID draws the ID of a run.
func NewID() (string, error) {
	var b [4]byte
	if _, err := rand.Read(b[:]); err != nil {
		return "", fmt.Errorf("draw the ID of a run: %w", err)
	}
	return hex.EncodeToString(b[:]), nil
}

// CheckID returns an error unless an ID has the form of a run's: eight hexadecimal digits.
func CheckID(id string) error {
	if !runID.MatchString(id) {
		return fmt.Errorf("%q is not the ID of a run: eight hexadecimal digits, as `backstop verify-aws run` prints them", id)
	}
	return nil
}

// place is where a run works, and who pays.
type place struct {
	id, region, account, partition string
}

// name is that of the run's cluster, family, queue and rule, and begins those of its schedules.
func (p place) name() string { return namePrefix + p.id }

func (p place) clusterARN() string {
	return fmt.Sprintf("arn:%s:ecs:%s:%s:cluster/%s", p.partition, p.region, p.account, p.name())
}

// servicesARN begins the ARNs of the run's services.
func (p place) servicesARN() string {
	return fmt.Sprintf("arn:%s:ecs:%s:%s:service/%s/", p.partition, p.region, p.account, p.name())
}

func (p place) queueARN() string {
	return fmt.Sprintf("arn:%s:sqs:%s:%s:%s", p.partition, p.region, p.account, p.name())
}

func (p place) ruleARN() string {
	return fmt.Sprintf("arn:%s:events:%s:%s:rule/%s", p.partition, p.region, p.account, p.name())
}

// scalableTarget is the resource ID of the service with auto scaling.
func (p place) scalableTarget() string { return "service/" + p.name() + "/" + serviceScaled }

// queueURL is what CreateQueue will answer: the switch is set before the queue is made.
func (p place) queueURL() string {
	suffix := "amazonaws.com"
	if strings.HasPrefix(p.partition, "aws-cn") {
		suffix += ".cn"
	}
	return fmt.Sprintf("https://sqs.%s.%s/%s/%s", p.region, suffix, p.account, p.name())
}
