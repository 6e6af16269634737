package daemon

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"tlsbench/strategies/catalogue"
	"tlsbench/workload"
	"tlsbench/workload/fetch"
	"tlsbench/workload/peers"
	"tlsbench/workload/rig"
)

func choice(t *testing.T, name string) catalogue.Choice {
	t.Helper()
	c, err := catalogue.Parse(name)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func daemon(t *testing.T, name string) Daemon {
	t.Helper()
	list, err := ParseReleases([]string{name})
	if err != nil {
		t.Fatal(err)
	}
	return Daemon{Release: list[0], Package: name + "-1", OpenSSL: list[0].Line + ".1"}
}

// standIn is a daemon whose loader is a shell script: it is run with the
// arguments of the real one, and does what the body says.
func standIn(t *testing.T, body string) Daemon {
	t.Helper()
	d := daemon(t, "5.6")
	d.Tree = t.TempDir()
	d.Loader, d.Program, d.Modules = filepath.Join(d.Tree, "loader"), "/kamailio", "/modules"
	if err := os.WriteFile(d.Loader, []byte("#!/bin/sh\n"+body+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	return d
}

func standInTrial(d Daemon, s Settings) workload.Config {
	return workload.Config{Server: d.Server(s), Strategy: catalogue.Choice{Name: "none"}, Workers: 2,
		BadShare: 0.2, Seed: 1, Duration: time.Second}
}

// noMode is of a daemon that has none.
var noMode = Settings{Mode: NoMode}

// What keeps a daemon from starting is one line, with the end of its log.
func TestDaemonDoesNotStart(t *testing.T) {
	for name, tc := range map[string]struct{ body, want string }{
		"bad configuration": {`echo "bad config file (1 errors)" >&2; exit 255`,
			"kamailio 5.6 did not start (exit status 255): its log ends with: bad config file (1 errors)"},
		"silent": {"exit 3", "kamailio 5.6 did not start (exit status 3): its log is empty"},
	} {
		_, err := workload.Run(context.Background(), standInTrial(standIn(t, tc.body), noMode))
		if err == nil || err.Error() != tc.want {
			t.Errorf("%s: error %v, want %q", name, err, tc.want)
		}
	}
}

// A daemon that damage kills before it serves is a result.
func TestDaemonDiesEarly(t *testing.T) {
	for name, body := range map[string]string{
		"a child": `echo " 0(1) ALERT: <core> [main.c:767]: handle_sigs(): child process 7 exited by a signal 11" >&2; exit 1`,
		"itself":  "kill -SEGV $$",
	} {
		out, err := workload.Run(context.Background(), standInTrial(standIn(t, body), noMode))
		if err != nil || out.Events["crash"] != 1 {
			t.Errorf("%s: %+v, %v; want one crash", name, out, err)
		}
	}
}

// A daemon that is there, does nothing and answers nobody hangs, if anything
// was done to it; else it does not start. The limit would have an error of its own.
func TestDaemonNeverAnswers(t *testing.T) {
	t.Parallel()
	cfg := standInTrial(standIn(t, "echo waiting >&2; sleep 1000"), noMode)
	if _, err := workload.Run(context.Background(), cfg); err == nil || !strings.Contains(err.Error(), "answered no peer within") ||
		!strings.HasSuffix(err.Error(), "its log ends with: waiting") {
		t.Errorf("as it is: error %v", err)
	}
	cfg.Hazard = "python"
	out, err := workload.Run(context.Background(), cfg)
	if err != nil || out.Events["hang"] != 1 {
		t.Errorf("with python: %+v, %v; want one hang", out, err)
	}
	cfg.Server = standIn(t, "while :; do :; done").Server(noMode)
	if out, err = workload.Run(context.Background(), cfg); err != nil || out.Events["hang"] != 1 {
		t.Errorf("one that goes round in circles: %+v, %v; want one hang", out, err)
	}
}

func TestSettingsAreChecked(t *testing.T) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	taken := l.Addr().(*net.TCPAddr).Port
	for want, change := range map[string]func(*workload.Config, *Settings){
		fmt.Sprintf("port %d is in use on 127.0.0.1", taken):     func(_ *workload.Config, s *Settings) { s.Port = taken },
		"kamailio 5.6 has no tls_threads_mode 2: choose from []": func(_ *workload.Config, s *Settings) { s.Mode = 2 },
	} {
		s := noMode
		cfg := standInTrial(standIn(t, "exit 0"), s)
		change(&cfg, &s)
		cfg.Server = standIn(t, "exit 0").Server(s)
		if _, err := workload.Run(context.Background(), cfg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
}

// The end of a trial ends all of the daemon's processes and removes its folder.
// What is left of one whose harness was killed: see package keeper.
func TestDaemonEnds(t *testing.T) {
	id, err := peers.Certificate(peers.ECDSAP256)
	if err != nil {
		t.Fatal(err)
	}
	d := standIn(t, "sleep 1000 & echo started >&2; wait")
	s := &trial{daemon: d, Settings: Settings{Mode: NoMode}, cfg: workload.Config{Workers: 1}, files: files{dir: filepath.Join(t.TempDir(), "daemon"), port: 1, id: id}}
	p, err := s.start("", nil, s.write)
	if err != nil {
		t.Fatal(err)
	}
	defer p.close()
	until(t, "the daemon's two processes run", func() bool { return len(p.members()) >= 2 })
	info, err := os.Stat(filepath.Join(s.dir, "key.pem"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key's file: %v, %v; want 0600", info, err)
	}
	p.close()
	until(t, "none of the group runs", func() bool { return len(rig.Members(p.kept.Pid())) == 0 })
	if _, err := os.Stat(s.dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("its folder is left: %v", err)
	}
	if got := p.signal(); got != int(syscall.SIGKILL) {
		t.Errorf("it ended by signal %d, want a kill", got)
	}
}

func until(t *testing.T, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(readyLimit); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within %v: %s", readyLimit, what)
		}
	}
}

// A cancelled trial leaves no process and no folder.
func TestCancelledTrialLeavesNothing(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	ctx, cancel := context.WithCancel(context.Background())
	time.AfterFunc(200*time.Millisecond, cancel)
	if _, err := workload.Run(ctx, standInTrial(standIn(t, "sleep 1000 & wait"), noMode)); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want %v", err, context.Canceled)
	}
	if left, err := os.ReadDir(os.TempDir()); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// installed gives a real daemon, fetched if it is not in the cache. A machine
// that cannot have it, as it is no Debian or has no network, says so.
func installed(t *testing.T, name string) Daemon {
	t.Helper()
	r := daemon(t, name).Release
	all, err := Fetch(context.Background(), []Release{r}, fetch.Options{Log: t.Logf})
	if err == nil {
		err = all[0].Err
	}
	if errors.Is(err, fetch.ErrOffline) || errors.Is(err, fetch.ErrNoArchive) || errors.Is(err, errNotDebian) {
		t.Skipf("kamailio %s cannot be had here: %v", name, err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return all[0].Found
}

// The real daemon: without a fix it is damaged, with one it is not, and it
// answers. On a busy machine few readers run at the same time: a life lasts until
// there is damage, and a minute at most.
func TestRealDaemon(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"5.6", "6.0"} {
		d := installed(t, name)
		s := Settings{Mode: NoMode, Patience: time.Minute}
		if len(d.Release.Modes) > 0 {
			s.Mode = 0
		}
		cfg := standInTrial(d, s)
		cfg.Workers = 4
		out, err := lives(cfg, func(*workload.Outcome) bool { return false })
		if err != nil || !out.Damaged() {
			t.Errorf("kamailio %s without a fix: %+v, %v; want damage", name, out, err)
		}
		s.Patience = 0
		cfg.Server, cfg.Strategy, cfg.Duration = d.Server(s), catalogue.Choice{Name: catalogue.NegativeControl}, 1500*time.Millisecond
		checkServes(t, name, cfg)
	}
}

// lives gives a daemon some lives, each twice as long, until one shows enough or is
// damaged: a busy machine may disturb the first, or serve nobody in it.
func lives(cfg workload.Config, enough func(*workload.Outcome) bool) (out *workload.Outcome, err error) {
	for range 4 {
		out, err = workload.Run(context.Background(), cfg)
		_, disturbed := errors.AsType[*workload.DisturbedError](err)
		if !disturbed && (err != nil || out.Skipped != "" || out.Damaged() || enough(out)) {
			break
		}
		cfg.Duration *= 2
	}
	return out, err
}

func served(o *workload.Outcome) bool { return o.Handshakes > 0 }

func checkServes(t *testing.T, name string, cfg workload.Config) {
	t.Helper()
	out, err := lives(cfg, func(o *workload.Outcome) bool { return served(o) && o.Attempts > o.Handshakes })
	if err != nil {
		t.Fatal(err)
	}
	if out.Damaged() || out.Handshakes == 0 || out.Attempts == out.Handshakes || out.Memory == 0 || out.Rate <= 0 {
		t.Errorf("kamailio %s, %s: %+v", name, cfg.Strategy, *out)
	}
	if !strings.HasPrefix(out.Mark, cfg.Strategy.Name+": set up when the TLS module was loaded") {
		t.Errorf("kamailio %s: the preload object said %q", name, out.Mark)
	}
}

// Twenty timers that wait a little each are not busy; one process that gets no processor
// is, and so is one that was not there before.
func TestBusiest(t *testing.T) {
	before, timers := map[int]usage{}, map[int]usage{}
	for id := range 20 {
		before[id] = usage{wanted: time.Hour}
		timers[id] = usage{wanted: time.Hour + 200*time.Millisecond}
	}
	starved, forked := maps.Clone(timers), maps.Clone(timers)
	starved[7] = usage{wanted: time.Hour + 3*time.Second}
	forked[20] = usage{wanted: 2 * time.Second}
	for want, now := range map[time.Duration]map[int]usage{200 * time.Millisecond: timers, 3 * time.Second: starved, 2 * time.Second: forked} {
		if got := busiest(now, before); got != want {
			t.Errorf("%v, want %v", got, want)
		}
	}
}
