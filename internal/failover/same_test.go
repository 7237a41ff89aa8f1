package failover

import (
	"fmt"
	"reflect"
	"testing"
	"time"
)

// fullState is a state in which nothing is left at its zero value.
func fullState(seed int) State {
	var s State
	fillIn(reflect.ValueOf(&s).Elem(), seed)
	return s
}

// fillIn gives a value, and everything in it, a value that is not zero.
func fillIn(v reflect.Value, n int) {
	switch {
	case v.Type() == reflect.TypeFor[time.Time]():
		v.Set(reflect.ValueOf(epoch.Add(time.Duration(n) * time.Minute)))
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			fillIn(v.Field(i), n)
		}
	case v.Kind() == reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fillIn(v.Elem(), n)
	case v.Kind() == reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		fillIn(v.Index(0), n)
		fillIn(v.Index(1), n)
	case v.Kind() == reflect.String:
		v.SetString(fmt.Sprintf("text%d", n))
	case v.Kind() == reflect.Bool:
		v.SetBool(true)
	case v.CanInt():
		v.SetInt(int64(n))
	case v.CanUint():
		v.SetUint(uint64(n))
	case v.CanFloat():
		v.SetFloat(float64(n))
	default:
		panic("no value for " + v.Type().String())
	}
}

// eachChange calls see once for every field, element and pointer of the value, each time with only that one changed.
func eachChange(v reflect.Value, path string, see func(path string)) {
	try := func(path string, to reflect.Value) {
		was := reflect.New(v.Type()).Elem()
		was.Set(v)
		v.Set(to)
		see(path)
		v.Set(was)
	}
	switch {
	case v.Type() == reflect.TypeFor[time.Time]():
		try(path, reflect.ValueOf(epoch.Add(time.Hour)))
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			eachChange(v.Field(i), path+"."+v.Type().Field(i).Name, see)
		}
	case v.Kind() == reflect.Pointer:
		try(path+"=nil", reflect.Zero(v.Type()))
		eachChange(v.Elem(), path, see)
	case v.Kind() == reflect.Slice:
		try(path+"[:1]", v.Slice(0, 1))
		eachChange(v.Index(1), path+"[1]", see)
	default:
		try(path, reflect.Zero(v.Type()))
	}
}

func TestEveryChangeOfAStateIsNoticedButTheFewThatMeanNothing(t *testing.T) {
	a, b := fullState(1), fullState(1)
	if !SameState(a, b) {
		t.Fatal("a state is not the same as its deep copy")
	}
	quiet := map[string]bool{".Pools[1].Present": true, ".Pools[1].Present=nil": true, ".Generation": true, ".At": true, ".Spend.TaskSeconds": true, ".Spend.USD": true}
	changes := 0
	eachChange(reflect.ValueOf(&b).Elem(), "", func(path string) {
		changes++
		if SameState(a, b) != quiet[path] {
			t.Errorf("a change of %s is noticed: %v", path, quiet[path])
		}
	})
	if changes < 80 {
		t.Errorf("only %d changes were tried", changes)
	}
	if zoned := a; !SameState(zoned, func() State { zoned.ModeSince = zoned.ModeSince.In(time.FixedZone("x", 3600)); return zoned }()) {
		t.Error("the same moment in another time zone is taken for a change")
	}
}
