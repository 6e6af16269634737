package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"tlsbench/results"
	"tlsbench/workload/openssl"
)

const trackRecord = "../../results/TRACKRECORD.md"

// reported is a line of the track record.
type reported struct {
	report, command string
	hurt, safe      []string // strategies
}

var reportName = regexp.MustCompile(`^[\w.-]+/[\w.-]+#[1-9][0-9]*$`)

// readTrackRecord gives the arguments that all commands share, and the lines.
func readTrackRecord(t *testing.T) (common []string, lines []reported) {
	t.Helper()
	text, err := os.ReadFile(trackRecord)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "    tlsbench "); ok {
			common = strings.Fields(rest)
		}
		cells := strings.Split(strings.Trim(line, "|\n"), "|")
		if len(cells) != 7 || strings.HasPrefix(cells[0], "---") || strings.Contains(cells[0], " report ") {
			continue
		}
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		r := reported{report: cells[0], command: strings.Trim(cells[3], "`"), hurt: strategyList(cells[4]), safe: strategyList(cells[5])}
		if !reportName.MatchString(r.report) || cells[1] == "" || cells[2] == "" || !regexp.MustCompile(`^(yes|no: .+|in part: .+)$`).MatchString(cells[6]) {
			t.Errorf("not a line of the track record: %s", line)
		}
		lines = append(lines, r)
	}
	if len(common) == 0 || len(lines) == 0 {
		t.Fatalf("%s: %d shared arguments, %d lines", trackRecord, len(common), len(lines))
	}
	return common, lines
}

func strategyList(cell string) []string {
	if cell == "–" {
		return nil
	}
	return strings.Split(cell, ", ")
}

// flags parses a line's command as the program does.
func (r reported) flags(t *testing.T, common []string) runCommand {
	t.Helper()
	var c struct {
		Run runCommand `cmd:""`
	}
	parser, err := kong.New(&c, choiceVars())
	if err == nil {
		_, err = parser.Parse(append(slices.Clone(common), strings.Fields(r.command)...))
	}
	if err != nil {
		t.Fatalf("%s: %v", r.report, err)
	}
	return c.Run
}

// The track record says what the catalogue expects, of the strategies that its
// commands name. What the catalogue expects is damage: workers may share blocks
// without it, where a command looks for that.
func TestTrackRecordAndCatalogue(t *testing.T) {
	common, lines := readTrackRecord(t)
	for _, r := range lines {
		c := r.flags(t, common)
		if all := slices.Concat(r.hurt, r.safe); !sameSet(all, c.Strategy) {
			t.Errorf("%s: outcomes of %v, command of %v", r.report, all, c.Strategy)
		}
		if len(c.Heap) > 0 {
			continue // the catalogue is about a shared heap
		}
		for _, s := range c.Strategy {
			words, err := results.Expected(c.Hazard[0], s, c.Openssl[0], results.Keys.Default())
			if err != nil {
				t.Fatalf("%s: %v", r.report, err)
			}
			hurt, expected := slices.Contains(r.hurt, s), len(words) > 0
			sharing := slices.Contains(c.Measure, "sharing")
			if hurt != expected && s != "pointer-match" && (expected || !sharing) {
				t.Errorf("%s: %s hurt: %v, the catalogue expects %v", r.report, s, hurt, words)
			}
		}
	}
}

func sameSet(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}

// Every command of the track record has the outcome that it says.
func TestTrackRecord(t *testing.T) {
	if os.Getenv("TLSBENCH_LINES") == "" {
		t.Skip("takes some minutes: make test-long LONG=field")
	}
	common, lines := readTrackRecord(t)
	done := map[string]bool{}
	for _, r := range lines {
		if done[r.command] {
			continue
		}
		done[r.command] = true
		t.Run(strings.ReplaceAll(r.command, "/", "_"), func(t *testing.T) {
			c := r.flags(t, common)
			if _, err := openssl.Find(c.Openssl, ""); err != nil {
				t.Fatal(err)
			}
			file := filepath.Join(t.TempDir(), "r.txt")
			var stdout, stderr bytes.Buffer
			args := slices.Concat(common, strings.Fields(r.command), []string{"--quiet", "-o", file})
			if code := run(t.Context(), args, nil, &stdout, &stderr); code != 0 {
				t.Fatalf("exit code %d: %s", code, &stderr)
			}
			found, err := results.Summarize(results.Options{}, file)
			if err != nil || len(found.Tables) != 1 {
				t.Fatalf("%d tables, %v", len(found.Tables), err)
			}
			seen := map[string]bool{}
			for _, row := range found.Tables[0].Rows {
				v := row.Verdict
				seen[row.Strategy] = true
				hurt := v.Damaged > 0 || slices.Contains(v.Words, results.Shared)
				if slices.Contains(c.Measure, "sharing") && row.Sharing == nil {
					t.Errorf("%s: no sharing trial", row.Strategy)
				}
				if v.Trials == 0 || hurt != slices.Contains(r.hurt, row.Strategy) {
					t.Errorf("%s: %s (%d of %d trials)", row.Strategy, v, v.Damaged, v.Trials)
				}
			}
			if len(seen) != len(c.Strategy) {
				t.Errorf("outcomes of %d strategies, want %v", len(seen), c.Strategy)
			}
		})
	}
}
