package results

import (
	"slices"
	"strings"
	"testing"
)

// Every value is explained, a default is a value, and what is not one is refused
// with the choices.
func TestDimensions(t *testing.T) {
	for _, d := range Dimensions {
		for _, o := range d.Options {
			if o.Summary == "" {
				t.Errorf("--%s %s is not explained", d.Flag, o.Name)
			}
		}
		if err := d.Check(d.Default()); err != nil {
			t.Error(err)
		}
		if err := d.Check("no-such"); err == nil || !strings.HasSuffix(err.Error(), `"no-such": choose from `+strings.Join(d.Names(), ", ")) {
			t.Errorf("--%s no-such: %v", d.Flag, err)
		}
	}
	for i, m := range Measures {
		if name := MeasureNames.Names()[i]; !strings.EqualFold(string(m), name) {
			t.Errorf("measure %s goes by the name %s", m, name)
		}
	}
	for _, m := range DefaultMeasures {
		if !slices.Contains(Measures, m) {
			t.Errorf("%s is no measure", m)
		}
	}
}
