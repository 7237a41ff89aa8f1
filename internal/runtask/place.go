package runtask

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/backstop-ecs/backstop/internal/aws/failure"
	"github.com/backstop-ecs/backstop/internal/wording"
)

// start makes the starts of a plan, each on the first pool that has room, and returns for how many none had.
func (u *run) start(ctx context.Context, starts []Start) (left int, err error) {
	for _, s := range starts {
		for pool := s.Pool; pool < len(u.r.Pools) && s.Count > 0 && !u.missed; pool++ { // not until all that was started is known
			if u.now.Before(u.short[pool].until) {
				continue
			}
			if s.Count, err = u.startOn(ctx, s, pool); err != nil {
				return left, err
			}
		}
		left += s.Count
	}
	switch {
	case left == 0:
		u.since = time.Time{}
	case u.since.IsZero():
		u.since = u.now
	}
	return left, err
}

// taken reports whether a call's token was used for another call.
func taken(err error) bool {
	_, conflict := errors.AsType[*types.ConflictException](err)
	return conflict
}

// givesUp reports whether room has been looked for long enough.
func (u *run) givesUp() bool { return u.now.Sub(u.since) >= u.r.GiveUp }

// startOn starts tasks on a pool until it has no room, and returns how many are left.
func (u *run) startOn(ctx context.Context, s Start, pool int) (left int, err error) {
	for left = s.Count; left > 0; {
		out, err := u.ask(ctx, u.call(s, pool, min(left, callMax)))
		if taken(err) {
			u.missed = true   // a call of this number was another program's; the tasks that it started are found at the next look
			if u.calls == 1 { // the first call of a run is always the same: another program made it with other flags
				u.foreign = u.now
			}
			return left, nil
		}
		if err != nil {
			return left, err
		}
		left -= min(len(out.Tasks), left)
		if len(out.Tasks) > 0 {
			u.short[pool].wait = 0
			u.note("%s on %s", wording.Count(len(out.Tasks), "task"), u.r.Pools[pool].Capacity)
		}
		u.last = out.Failures
		why := "it started nothing"
		for i := range out.Failures {
			if why = aws.ToString(out.Failures[i].Reason); !NoRoom(why) {
				return left, fmt.Errorf("run task %s: %s", aws.ToString(u.r.Input.TaskDefinition), why)
			}
		}
		if len(out.Failures) > 0 || len(out.Tasks) == 0 {
			u.shortOf(pool, why)
			return left, nil
		}
	}
	return 0, nil
}

// ask makes a call, again and again with the same token while it is not known whether it was heard: it starts nothing twice.
func (u *run) ask(ctx context.Context, in *ecs.RunTaskInput) (out *ecs.RunTaskOutput, err error) {
	var conflict error
	err = u.again(ctx, func() error {
		u.unheard = true
		answer, err := u.ecs.RunTask(ctx, in)
		out = answer
		switch {
		case err == nil:
			u.clock(out.ResultMetadata)
			for i := range out.Tasks {
				t := &out.Tasks[i]
				if len(t.Tags) == 0 {
					t.Tags = in.Tags
				}
				u.known[aws.ToString(t.TaskArn)] = t
			}
		case NoRoom(err.Error()):
			out, err = &ecs.RunTaskOutput{Failures: []types.Failure{{Reason: aws.String(err.Error())}}}, nil
		case taken(err):
			conflict, err = err, nil
		}
		u.unheard = err != nil && passing(err) == nil
		return failure.Wrap("ecs:RunTask", "run task "+aws.ToString(in.TaskDefinition), err)
	})
	return out, errors.Join(err, conflict)
}

// NoRoom reports whether ECS's words say that there is no capacity, or no quota for more: another pool may have both.
func NoRoom(reason string) bool {
	reason = strings.ToLower(reason)
	return strings.Contains(reason, "capacity is unavailable") || strings.Contains(reason, "limit on the number of") || strings.HasPrefix(reason, "resource:")
}

// shortOf leaves a pool alone for a while.
func (u *run) shortOf(pool int, why string) {
	p := &u.short[pool]
	p.wait = min(max(2*p.wait, shortFirst), shortMost)
	p.until = u.now.Add(p.wait)
	u.note("%s: %s", u.r.Pools[pool].Capacity, why)
}

// call is one RunTask call. Its token is its own: a call whose answer was lost starts nothing twice.
func (u *run) call(s Start, pool, n int) *ecs.RunTaskInput {
	u.calls++
	in := u.r.Input
	in.Count = aws.Int32(int32(n))
	in.LaunchType = ""
	in.CapacityProviderStrategy = []types.CapacityProviderStrategyItem{{CapacityProvider: aws.String(u.r.Pools[pool].Capacity), Weight: 1}}
	sum := sha256.Sum256([]byte(u.r.Token + "/" + strconv.Itoa(u.calls)))
	in.ClientToken = aws.String(fmt.Sprintf("%x", sum[:16]))
	if own := u.r.Pools[pool].Network(&in); own != nil {
		in.NetworkConfiguration = own
	}
	in.Tags = slices.Clone(u.r.Input.Tags)
	for _, tag := range [][2]string{{TagRun, u.r.Token}, {TagAttempt, strconv.Itoa(s.Attempt)}, {TagLosses, strconv.Itoa(s.Losses)},
		{TagPool, strconv.Itoa(pool)}, {TagCall, strconv.Itoa(u.calls)}} {
		in.Tags = append(in.Tags, types.Tag{Key: aws.String(tag[0]), Value: aws.String(tag[1])})
	}
	return &in
}

// Network is the network of a call in a pool that has subnets of its own; nil where it has none.
func (p *Pool) Network(in *ecs.RunTaskInput) *types.NetworkConfiguration {
	if len(p.Subnets) == 0 {
		return nil
	}
	vpc := types.AwsVpcConfiguration{}
	if n := in.NetworkConfiguration; n != nil && n.AwsvpcConfiguration != nil {
		vpc = *n.AwsvpcConfiguration
	}
	vpc.Subnets = p.Subnets
	return &types.NetworkConfiguration{AwsvpcConfiguration: &vpc}
}
