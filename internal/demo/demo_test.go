package demo

import (
	"testing"
	"time"
)

func TestTry(t *testing.T) {
	s, err := Find("shortage", 200)
	if err != nil {
		t.Fatal(err)
	}
	d, err := Open(t.Context(), Options{Scenario: s, Policy: "fill", Tasks: 200, Seed: 1, Tell: func(u Update) {
		if u.Kind != Tick {
			t.Log(u.At.Format(time.TimeOnly), u.Text, u.Frame.Spot, u.Frame.OnDemand)
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	sum, err := d.Play(t.Context())
	t.Logf("%+v %v", sum, err)
}
