package parts

import (
	"cmp"
	"errors"
	"fmt"

	"github.com/backstop-ecs/backstop/internal/aws/standalone"
	"github.com/backstop-ecs/backstop/internal/config"
	"github.com/backstop-ecs/backstop/internal/taskretry"
)

// TaskPlaces are the clusters of a configuration in which tasks of no service are started again. region stands for those that name none; it is an
// error if there are such and it is empty.
func TaskPlaces(f *config.File, region string) ([]taskretry.Place, error) {
	out := make([]taskretry.Place, len(f.Tasks))
	for i, t := range f.Tasks {
		out[i] = taskretry.Place{Region: cmp.Or(t.Region, region), Cluster: t.Cluster, Account: t.Account, SecurityGroups: t.SecurityGroups, Subnets: t.Subnets, PublicIP: t.PublicIP}
		if out[i].Region == "" {
			return nil, fmt.Errorf("%s: tasks[%d].region: no region is known: name one, or set AWS_REGION", f.Name, i)
		}
	}
	return out, nil
}

// Tasks is what starts a configuration's tasks of no service again, for a guard whose loop and desk are made, the loop with a clock; nil where there are none.
func Tasks(o Options, g *Guard) (*taskretry.Keeper, error) {
	if len(o.Config.Tasks) == 0 {
		return nil, nil
	}
	store, ok := o.Store.(taskretry.Store)
	if !ok {
		return nil, errors.New("build guard: the store keeps no pages, and tasks are to be started again")
	}
	places, err := TaskPlaces(o.Config, o.AWS.Region)
	if err != nil {
		return nil, err
	}
	keep := taskretry.Options{Places: places, Store: store, Tasks: standalone.New(o.AWS), Prices: Prices(o.Config), Now: g.Loop.AWSTime, Ours: g.Loop.Ours, Log: o.Log}
	if g.Desk != nil {
		keep.Tell = g.Desk.Tell
	}
	return taskretry.New(keep), nil
}
