package rig

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"tlsbench/results/event"
	"tlsbench/strategies/catalogue"
)

// start starts a rig on a block that the test may have damaged before.
func start(t *testing.T, s Settings, damage func(*Block)) (*Block, *Process) {
	t.Helper()
	b, err := NewBlock(s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	damage(b)
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p, err := Start(b, []string{exe}, os.Environ())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return b, p
}

// A block that the C side reads otherwise than the Go side wrote it is refused
// in one line that names both.
func TestOtherBlockIsRefused(t *testing.T) {
	for _, tc := range []struct {
		want   string
		damage func(*Block)
	}{
		{"its layout version is 99, this rig wants", func(b *Block) { b.c.layout = 99 }},
		{"its magic number is 7, this rig wants", func(b *Block) { b.c.magic = 7 }},
		{"its header size is 1, this rig wants", func(b *Block) { b.c.size_of_block = 1 }},
		{"its size is 4096, this rig wants", func(b *Block) { b.file.Truncate(4096) }},
	} {
		b, p := start(t, Settings{Workers: 1}, tc.damage)
		if err := p.AwaitReady(10 * time.Second); err == nil {
			t.Errorf("%s: the rig went on", tc.want)
		}
		<-p.Gone()
		if strings.Contains(tc.want, "its size") {
			b.file.Truncate(int64(len(b.mem))) // the test still reads it
		}
		err := p.Diagnose(b)
		if err == nil || !strings.Contains(err.Error(), tc.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("diagnosis %v, want one line with %q", err, tc.want)
		}
	}
}

func TestNewBlockRefuses(t *testing.T) {
	long := strings.Repeat("x", 600)
	many := map[string]int64{}
	for _, name := range strings.Split("abcdefghi", "") {
		many[name] = 1
	}
	for _, tc := range []struct {
		want string
		s    Settings
	}{
		{"0 workers: want 1 to 1024", Settings{}},
		{"1025 workers: want 1 to 1024", Settings{Workers: 1025}},
		{"path of libcrypto", Settings{Workers: 1, Libcrypto: long}},
		{"path of the strategy", Settings{Workers: 1, Strategy: catalogue.Choice{Path: long}}},
		{"9 strategy parameters: want at most 8", Settings{Workers: 1, Strategy: catalogue.Choice{Params: many}}},
		{"certificate: 5000 bytes of DER", Settings{Workers: 1, Server: Identity{Certificate: make([]byte, 5000)}}},
	} {
		b, err := NewBlock(tc.s)
		if err == nil {
			b.Close()
		}
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("error %v, want one with %q", err, tc.want)
		}
	}
}

// What the C side notes is known to tables, and every stage has a name.
func TestEnumsMatch(t *testing.T) {
	for _, kind := range EventKinds {
		if !slices.ContainsFunc(event.Kinds, func(k event.Kind) bool { return k.Name == kind }) {
			t.Errorf("package event knows no %s", kind)
		}
	}
	if slices.Contains(stages[:], "") {
		t.Errorf("a stage of block.h has no name: %q", stages)
	}
}

// A process that is no rig returns from the constructor at once: this test
// runs in one. Without its descriptors, a rig says so and ends.
func TestStartWithoutProgram(t *testing.T) {
	b, err := NewBlock(Settings{Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if _, err := Start(b, []string{"/nonexistent/program"}, nil); err == nil ||
		!strings.Contains(err.Error(), "start the rig") {
		t.Errorf("error %v, want one about starting the rig", err)
	}
}
