package eventpattern

import (
	"errors"
	"strings"
	"testing"
)

func TestWhatAPatternMatches(t *testing.T) {
	const event = `{"source":"aws.ecs","n":5,"f":-1.5,"yes":true,"none":null,"empty":"","list":["a","b"],"nothing":[],
		"detail":{"name":"api-spot","state":"RUNNING","tags":[{"k":"x","v":1},{"k":"y","v":2}],"inner":{"z":"deep"}}}`
	for _, c := range []struct {
		pattern string
		want    bool
		why     string
	}{
		{`{"source":["aws.ecs"]}`, true, "the same string"},
		{`{"source":["aws.ec2","aws.ecs"]}`, true, "one of several is enough"},
		{`{"source":["aws.ec"]}`, false, "exact means the whole string"},
		{`{"source":["aws.*"]}`, false, "an asterisk in a plain value is an asterisk"},
		{`{"source":[{"wildcard":"aws.*"}]}`, true, "an asterisk in a wildcard is not"},
		{`{"source":["aws.ecs"],"n":[6]}`, false, "all keys must match"},
		{`{"n":[5]}`, true, "numbers by value"},
		{`{"n":[5.0]}`, true, "however they are written"},
		{`{"n":["5"]}`, false, "a number is not its text"},
		{`{"yes":[true]}`, true, "true"},
		{`{"yes":["true"]}`, false, "true is not its text"},
		{`{"none":[null]}`, true, "null"},
		{`{"missing":[null]}`, false, "null is not absence"},
		{`{"empty":[""]}`, true, "the empty string"},
		{`{"list":["b"]}`, true, "one item of a list is enough"},
		{`{"list":["c"]}`, false, "no item"},
		{`{"detail":{"state":["RUNNING"]}}`, true, "nested"},
		{`{"detail":{"tags":{"k":["y"]}}}`, true, "an object in a list"},
		{`{"detail":{"tags":{"k":["x"],"v":[2]}}}`, false, "one object must match alone"},
		{`{"detail":{"inner":["deep"]}}`, false, "an object is no value"},
		{`{"detail":{"name":[{"prefix":"api"}]}}`, true, "prefix"},
		{`{"detail":{"name":[{"prefix":"pi"}]}}`, false, "not in the middle"},
		{`{"detail":{"name":[{"prefix":{"equals-ignore-case":"API-"}}]}}`, true, "prefix in any case"},
		{`{"detail":{"name":[{"suffix":"-spot"}]}}`, true, "suffix"},
		{`{"detail":{"name":[{"suffix":"-standard"}]}}`, false, "another suffix"},
		{`{"detail":{"name":[{"suffix":{"equals-ignore-case":"SPOT"}}]}}`, true, "suffix in any case"},
		{`{"detail":{"name":[{"equals-ignore-case":"API-SPOT"}]}}`, true, "any case"},
		{`{"detail":{"name":[{"equals-ignore-case":"API"}]}}`, false, "any case, but whole"},
		{`{"detail":{"name":[{"wildcard":"*-sp*"}]}}`, true, "several asterisks"},
		{`{"detail":{"name":[{"wildcard":"api"}]}}`, false, "no asterisk: the whole"},
		{`{"detail":{"name":[{"wildcard":"api-spot"}]}}`, true, "no asterisk, equal"},
		{`{"detail":{"name":[{"wildcard":"a*t*t"}]}}`, false, "parts do not overlap"},
		{`{"detail":{"name":[{"wildcard":"api\\*spot"}]}}`, false, "an escaped asterisk is one"},
		{`{"detail":{"name":[{"anything-but":"x"}]}}`, true, "anything but"},
		{`{"detail":{"name":[{"anything-but":["x","api-spot"]}]}}`, false, "anything but one of"},
		{`{"detail":{"name":[{"anything-but":{"prefix":"api"}}]}}`, false, "anything but a prefix"},
		{`{"detail":{"name":[{"anything-but":{"suffix":["-a","-b"]}}]}}`, true, "anything but suffixes"},
		{`{"detail":{"name":[{"anything-but":{"wildcard":"*spot"}}]}}`, false, "anything but a wildcard"},
		{`{"missing":[{"anything-but":"x"}]}`, false, "what is not there is nothing"},
		{`{"n":[{"numeric":[">",4,"<=",5]}]}`, true, "bounds"},
		{`{"n":[{"numeric":["<",5]}]}`, false, "out of bounds"},
		{`{"f":[{"numeric":["=",-1.5]}]}`, true, "equal"},
		{`{"source":[{"numeric":[">",0]}]}`, false, "a string is no number"},
		{`{"source":[{"exists":true}]}`, true, "it is there"},
		{`{"none":[{"exists":true}]}`, true, "null is there"},
		{`{"missing":[{"exists":true}]}`, false, "it is not there"},
		{`{"missing":[{"exists":false}]}`, true, "it is not there, as wanted"},
		{`{"detail":{"missing":{"deeper":[{"exists":false}]}}}`, true, "nor is what it would hold"},
		{`{"detail":[{"exists":true}]}`, false, "exists is about values, not objects"},
		{`{"nothing":[{"exists":true}]}`, false, "an empty list holds no value"},
		{`{"missing":["x",{"exists":false}]}`, true, "absent or x"},
		{`{"$or":[{"n":[6]},{"n":[5]}]}`, true, "either"},
		{`{"$or":[{"n":[6]},{"n":[7]}]}`, false, "neither"},
		{`{"source":["aws.ec2"],"$or":[{"n":[5]},{"n":[7]}]}`, false, "$or and the rest"},
		{`{"detail":{"$or":[{"state":["STOPPED"]},{"name":[{"prefix":"api"}]}]}}`, true, "$or within"},
	} {
		p, err := Parse([]byte(c.pattern))
		if err != nil {
			t.Errorf("%s: %v", c.pattern, err)
			continue
		}
		if got, err := p.Matches([]byte(event)); err != nil || got != c.want {
			t.Errorf("%s (%s): %v, %v; want %v", c.pattern, c.why, got, err, c.want)
		}
	}
}

func TestWhatIsNoPattern(t *testing.T) {
	for pattern, part := range map[string]string{
		`[`:                                   "unexpected",
		`{} {}`:                               "more than one",
		`[]`:                                  "an object",
		`{}`:                                  "at least one key",
		`{"a":"x"}`:                           "$.a: a value must stand in a list",
		`{"a":[]}`:                            "$.a: an empty list",
		`{"a":{}}`:                            "$.a: an empty object",
		`{"a":[["x"]]}`:                       "a list in a list",
		`{"a":[{"cidr":"10.0.0.0/24"}]}`:      `$.a: unknown operator "cidr"`,
		`{"a":{"b":[{"regex":".*"}]}}`:        `$.a.b: unknown operator "regex"`,
		`{"a":[{"prefix":1}]}`:                "prefix takes a string",
		`{"a":[{"prefix":"x","suffix":"y"}]}`: "one key",
		`{"a":[{"exists":"true"}]}`:           "true or false",
		`{"a":[{"numeric":[">"]}]}`:           "bounds",
		`{"a":[{"numeric":["!=",1]}]}`:        "is no bound",
		`{"a":[{"anything-but":[]}]}`:         "at least one",
		`{"a":[{"anything-but":[true]}]}`:     "strings or numbers",
		`{"a":[{"anything-but":{"exists":true}}]}`:                      "does not take exists",
		`{"a":[{"wildcard":"a**b"}]}`:                                   "two asterisks",
		`{"a":[{"wildcard":"a\\b"}]}`:                                   "backslash",
		`{"$or":[{"a":["x"]}]}`:                                         "at least two",
		`{"$or":[{"a":["x"]},"y"]}`:                                     "$.$or[1]",
		`{"a":["` + strings.Repeat("x", 5000) + `"]}`:                   "at most 4096",
		strings.Repeat(`{"a":`, 40) + `["x"]` + strings.Repeat("}", 40): "deeper than 32",
	} {
		_, err := Parse([]byte(pattern))
		if !errors.Is(err, ErrPattern) || !strings.Contains(err.Error(), part) {
			t.Errorf("%.60s: %v; want an ErrPattern that says %q", pattern, err, part)
		}
	}
}

func TestWhatIsNoEvent(t *testing.T) {
	p, err := Parse([]byte(`{"a":["x"]}`))
	if err != nil {
		t.Fatal(err)
	}
	for _, event := range []string{"", "[]", `"x"`, `{"a":`, strings.Repeat(" ", eventMax+1)} {
		if _, err := p.Matches([]byte(event)); err == nil {
			t.Errorf("%.20q was taken for an event", event)
		}
	}
}

func FuzzNothingPanicsAndMatchingIsStable(f *testing.F) {
	f.Add(`{"a":[{"wildcard":"x*\\*"}],"$or":[{"b":[1]},{"c":[{"exists":false}]}]}`, `{"a":"xy*","b":[1,{"q":2}]}`)
	f.Add(`{"a":{"b":[{"anything-but":{"prefix":"p"}}]}}`, `{"a":[{"b":"q"}]}`)
	f.Fuzz(func(t *testing.T, pattern, event string) {
		p, err := Parse([]byte(pattern))
		if err != nil {
			return
		}
		first, err1 := p.Matches([]byte(event))
		again, err2 := p.Matches([]byte(event))
		if first != again || (err1 == nil) != (err2 == nil) || err1 != nil && first {
			t.Errorf("%v %v, then %v %v", first, err1, again, err2)
		}
	})
}
