package bench

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"golang.org/x/perf/benchfmt"

	"tlsbench/results"
	"tlsbench/workload/openssl"
)

// document is the plan as it appears in a results file. Two files with equal
// documents, shard apart, hold trials of one experiment.
type document struct {
	Format  int     `json:"format"`
	Version string  `json:"tlsbench"`
	Shard   Shard   `json:"shard"`
	Machine Machine `json:"machine,omitzero"`
	Spec    Spec    `json:"spec"`

	Parts []Shard `json:"parts,omitempty"` // that a merged file was made of
}

func newDocument(p *Plan, m Machine) document {
	return document{Format: results.PlanFormat, Version: Version(), Shard: p.Shard, Machine: m, Spec: p.Spec}
}

// header is what appears at the top of the results file.
func (d document) header() (results.Header, error) {
	text, err := json.Marshal(d)
	if err != nil {
		return results.Header{}, fmt.Errorf("plan as json: %w", err)
	}
	h := results.Header{Plan: text, Config: d.Machine.config()}
	h.Config = append(h.Config, config("tlsbench", d.Version)...)
	h.Config = append(h.Config, d.libraries()...)
	if d.Spec.OfDaemons() {
		h.Config = append(h.Config, d.Spec.daemonConfig()...)
	}
	return h, nil
}

// libraries gives the file of each library. The build's name is in the key: a
// value that changed from build to build would split benchstat's tables.
func (d document) libraries() []benchfmt.Config {
	var list []benchfmt.Config
	for _, b := range d.Spec.Builds {
		key := "openssl-" + configKey(b.Label)
		list = append(list, config(key+"-libcrypto", openssl.Portable(b.Build.Libcrypto), key+"-libssl", openssl.Portable(b.Build.Libssl))...)
	}
	return list
}

// configKey makes a label fit into a configuration key.
func configKey(label string) string {
	return strings.ReplaceAll(strings.ToLower(label), ":", "-")
}

// parseDocument reads the plan of a results file.
func parseDocument(text json.RawMessage) (document, error) {
	var d document
	if len(text) == 0 {
		return d, errors.New("the file has no #plan line: it was not written by tlsbench run")
	}
	if err := json.Unmarshal(text, &d); err != nil {
		return d, fmt.Errorf("#plan line: %w", err)
	}
	if d.Format != results.PlanFormat {
		return d, fmt.Errorf("#plan line: format %d in the file, this program knows format %d", d.Format, results.PlanFormat)
	}
	return d, nil
}

// planDifferences names what keeps two runs from being of one plan, shard and machine
// apart.
func (d document) planDifferences(here document) []string {
	var list []string
	if d.Version != here.Version {
		list = append(list, fmt.Sprintf("tlsbench: version %s in the file, %s here", d.Version, here.Version))
	}
	return append(list, fieldDifferences(d.Spec.identity(), here.Spec.identity())...)
}

// identity is the spec without what may differ between two machines that run
// the same plan: where a library lies. Its content is in its digest. The way
// through JSON makes empty and missing lists alike.
func (s Spec) identity() Spec {
	text, err := json.Marshal(s)
	if err != nil {
		return s
	}
	var out Spec
	if json.Unmarshal(text, &out) != nil {
		return s
	}
	for i := range out.Builds {
		out.Builds[i].Build = openssl.Build{}
	}
	for _, list := range [][]results.Strategy{out.Strategies, out.Duet.Against} {
		for i := range list {
			list[i].Path = ""
		}
	}
	return out
}

// fieldDifferences compares two structs of one type field by field, by the
// names the fields have in JSON.
func fieldDifferences(file, here any) []string {
	var list []string
	a, b := reflect.ValueOf(file), reflect.ValueOf(here)
	for i := range a.NumField() {
		x, y := a.Field(i).Interface(), b.Field(i).Interface()
		if a.Type().Field(i).Anonymous {
			list = append(list, fieldDifferences(x, y)...)
			continue
		}
		if reflect.DeepEqual(x, y) {
			continue
		}
		name, _, _ := strings.Cut(a.Type().Field(i).Tag.Get("json"), ",")
		name = strings.ReplaceAll(strings.TrimSuffix(name, "_ns"), "_", " ")
		list = append(list, fmt.Sprintf("%s: %v in the file, %v here", name, shown(x), shown(y)))
	}
	return list
}

// shown is a value as a person would write it.
func shown(v any) any {
	switch r := reflect.ValueOf(v); {
	case v == "":
		return `""`
	case r.Kind() == reflect.Pointer && r.IsNil():
		return "default"
	case r.Kind() == reflect.Pointer:
		return r.Elem().Interface()
	}
	return v
}
