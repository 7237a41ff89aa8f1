package ecsim

import (
	"slices"
	"strconv"
	"strings"
)

// reroute brings what depends on a region's rules up to date: the groups' weights, and who serves.
func (w *World) reroute(regionName string) {
	r := w.region(regionName)
	for _, g := range r.balancing.groups {
		before := g.uses
		g.uses, g.Weight = 0, 0
		for _, rule := range r.balancing.rules {
			for _, f := range rule.Forwards {
				if f.TargetGroup == g.ARN {
					g.uses++
					if !rule.test {
						g.Weight += f.Weight
					}
				}
			}
		}
		if before == 0 && g.uses > 0 {
			g.usedBy = w.now
		}
		for _, t := range g.targets {
			w.turned(t)
		}
	}
}

// checkForwards validates the forwards of a rule.
func (w *World) checkForwards(regionName string, forwards []Forward) error {
	if len(forwards) == 0 || len(forwards) > 5 {
		return validation("A forward action must have between 1 and 5 target groups")
	}
	for i, f := range forwards {
		if f.Weight < 0 || f.Weight > 999 {
			return validation("Weight must be between 0 and 999")
		}
		if _, err := w.targetGroup(regionName, f.TargetGroup); err != nil {
			return err
		}
		if slices.ContainsFunc(forwards[:i], func(other Forward) bool { return other.TargetGroup == f.TargetGroup }) {
			return validation("A target group can be in a forward action once")
		}
	}
	return nil
}

// targetGroup finds a target group by ARN. The error is TargetGroupNotFound.
func (w *World) targetGroup(regionName, arn string) (*targetGroup, error) {
	g := find(w.region(regionName).balancing.groups, func(g *targetGroup) bool { return g.ARN == arn })
	if g == nil {
		return nil, clientError("TargetGroupNotFound", "One or more target groups not found")
	}
	return g, nil
}

func (b *balancing) view(g *targetGroup) TargetGroup {
	v := g.TargetGroup
	v.LoadBalancers = nil
	for _, r := range b.rules {
		if !slices.ContainsFunc(r.Forwards, func(f Forward) bool { return f.TargetGroup == g.ARN }) {
			continue
		}
		for _, l := range b.listeners {
			if l.ARN == r.Listener && !slices.Contains(v.LoadBalancers, l.LoadBalancer) {
				v.LoadBalancers = append(v.LoadBalancers, l.LoadBalancer)
			}
		}
	}
	return v
}

func (b *balancing) listener(l *Listener) Listener {
	v := *l
	if r := find(b.rules, func(r *Rule) bool { return r.ARN == l.Default }); r != nil {
		v.Forwards = slices.Clone(r.Forwards)
	}
	return v
}

func (r *Rule) clone() Rule {
	v := *r
	v.Forwards, v.Raw = slices.Clone(r.Forwards), slices.Clone(r.Raw)
	return v
}

// find returns the first item that is meant, or nil.
func find[T any](items []*T, is func(*T) bool) *T {
	for _, item := range items {
		if is(item) {
			return item
		}
	}
	return nil
}

func (w *World) balancingARN(regionName, resource string) string {
	return "arn:aws:elasticloadbalancing:" + regionName + ":" + w.cfg.Account + ":" + resource
}

// suffix returns the next 16 hexadecimal digits with which ARNs of load balancing end.
func (w *World) suffix() string {
	w.balancingNo++
	var b [16]byte
	hex(b[:], scramble(w.cfg.Seed^w.balancingNo<<16^0xe1b))
	return string(b[:])
}

// validBalancingName reports whether a name is fit for a load balancer or a target group.
func validBalancingName(name string) bool {
	return len(name) <= 32 && validName(name) && !strings.Contains(name, "_") && !strings.HasPrefix(name, "-") && !strings.HasSuffix(name, "-")
}

func validation(message string) *APIError { return clientError("ValidationError", message) }

func listenerNotFound() *APIError {
	return clientError("ListenerNotFound", "One or more listeners not found")
}

func ruleNotFound() *APIError { return clientError("RuleNotFound", "One or more rules not found") }

// parseIP reads an IPv4 address.
func parseIP(s string) (ip uint32, ok bool) {
	parts := strings.Split(s, ".")
	if len(parts) != 4 {
		return 0, false
	}
	for _, part := range parts {
		n, err := strconv.ParseUint(part, 10, 8)
		if err != nil {
			return 0, false
		}
		ip = ip<<8 | uint32(n)
	}
	return ip, true
}

// formatIP writes an IPv4 address.
func formatIP(ip uint32) string {
	b := make([]byte, 0, len("255.255.255.255"))
	for shift := 24; shift >= 0; shift -= 8 {
		b = strconv.AppendUint(b, uint64(ip>>shift&0xff), 10)
		if shift > 0 {
			b = append(b, '.')
		}
	}
	return string(b)
}
