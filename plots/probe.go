package plots

import (
	"encoding/json"
	"fmt"
	"os"
)

// Probe is the part of what "tlsbench probe --json" writes that is drawn.
type Probe struct {
	Hazard string       `json:"hazard"`
	Builds []ProbeBuild `json:"builds"`
}

// ProbeBuild is one OpenSSL in a Probe.
type ProbeBuild struct {
	OpenSSL    string          `json:"openssl"`
	Libcrypto  string          `json:"libcrypto"`
	Strategies []ProbeStrategy `json:"strategies"`
}

// ProbeStrategy is what one strategy made of the thread-local keys.
type ProbeStrategy struct {
	Strategy      string     `json:"strategy"`
	NotApplicable string     `json:"not_applicable"` // the function that is missing
	Keys          []ProbeKey `json:"keys"`
}

// ProbeKey is one thread-local key.
type ProbeKey struct {
	Key     int    `json:"key"`
	OpenSSL bool   `json:"openssl"`
	Creator string `json:"creator"`
	Filled  bool   `json:"filled"`
	Fate    string `json:"fate"`
}

// readProbe reads a file written by "tlsbench probe --json".
func readProbe(path string) (*Probe, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	p := new(Probe)
	if err := json.Unmarshal(text, p); err != nil {
		return nil, fmt.Errorf("read probe %s: %w (want the output of tlsbench probe --json)", path, err)
	}
	if len(p.Builds) == 0 {
		return nil, fmt.Errorf("read probe %s: no builds in it (want the output of tlsbench probe --json)", path)
	}
	return p, nil
}
