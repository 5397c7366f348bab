package reload

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"github.com/zfleet/zfleet/internal/config"
	"github.com/zfleet/zfleet/supervisor/fleet"
)

// TestPlans tells what fleet files come to. The commands:
//
//	now                 the file that the fleet was started with
//	plan [SERVICE=7 | SERVICE=stale | SERVICE=leaving | SERVICE=upgrading] …
//	                    the file as it is now, how many workers are wanted where that is not count, and whose program is another,
//	                    who is being removed, and whose proxy is being replaced; the answer
//	                    is the plan
func TestPlans(t *testing.T) {
	var now fleet.Spec
	datadriven.RunTest(t, "testdata/plans.txt", func(t *testing.T, d *datadriven.TestData) string {
		spec := parse(t, d.Input)
		if d.Cmd == "now" {
			now = spec
			return ""
		}
		running := map[string]Running{}
		for _, svc := range now.Services {
			running[svc.Name] = Running{Want: svc.Workers.Count}
		}
		for _, arg := range d.CmdArgs {
			r := running[arg.Key]
			if want, err := strconv.Atoi(arg.SingleVal(t)); err == nil {
				r.Want = want
			} else {
				r.Stale, r.Leaving, r.Upgrading = arg.SingleVal(t) == "stale", arg.SingleVal(t) == "leaving", arg.SingleVal(t) == "upgrading"
			}
			running[arg.Key] = r
		}
		return tell(Make(now, spec, running))
	})
}

func tell(p Plan) string {
	var b strings.Builder
	for _, step := range p {
		fmt.Fprintln(&b, step)
	}
	switch {
	case len(p) == 0:
		b.WriteString("nothing\n")
	case p.Refused():
		b.WriteString("so nothing is done\n")
	}
	return b.String()
}

// anything finds whatever it is asked for.
type anything struct{}

func (anything) Plugin(name, _, _ string) (string, error)  { return name, nil }
func (anything) Command(name, _, _ string) (string, error) { return name, nil }
func (anything) Dir(string) error                          { return nil }

func parse(t *testing.T, text string) fleet.Spec {
	t.Helper()
	file, err := config.Parse("fleet.toml", []byte(text), config.Options{Folder: "/srv", CPUs: 4, Lookup: anything{}})
	if err != nil {
		t.Fatal(err)
	}
	return file.Spec
}

// Whatever can be declared is in the plan when it changes: a key that is added and forgotten here is found.
func TestNothingThatChangesIsLeftOut(t *testing.T) {
	name := reflect.TypeFor[fleet.Service]().Field(0)
	if name.Name != "Name" {
		t.Fatalf("the first field is %s", name.Name)
	}
	for _, path := range leaves(reflect.TypeFor[fleet.Service](), nil) {
		if len(path) == 1 && path[0] == 0 { // its name: that is another service
			continue
		}
		old, next := fleet.Service{Name: "hello"}, fleet.Service{Name: "hello"}
		field := reflect.ValueOf(&next).Elem().FieldByIndex(path)
		change(t, field)
		plan := Make(fleet.Spec{Services: []fleet.Service{old}}, fleet.Spec{Services: []fleet.Service{next}}, nil)
		if len(plan) != 1 && !(plan.Has(Proxy, "hello") && plan.Has(Roll, "hello")) {
			t.Errorf("%v of Service: the plan is %v", path, plan)
		}
	}
}

// leaves are the index paths of all fields that are no structs.
func leaves(in reflect.Type, path []int) (all [][]int) {
	for i := range in.NumField() {
		at := append(append([]int{}, path...), i)
		if in.Field(i).Type.Kind() == reflect.Struct {
			all = append(all, leaves(in.Field(i).Type, at)...)
			continue
		}
		all = append(all, at)
	}
	return all
}

func change(t *testing.T, v reflect.Value) {
	t.Helper()
	switch v.Kind() {
	case reflect.Int, reflect.Int64:
		v.SetInt(7)
	case reflect.Float64:
		v.SetFloat(0.5)
	case reflect.Bool:
		v.SetBool(true)
	case reflect.String:
		v.SetString("x")
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		change(t, v.Index(0))
	case reflect.Map:
		v.Set(reflect.ValueOf(map[string]string{"x": ""}))
	default:
		t.Fatalf("no change for %v", v.Kind())
	}
}
