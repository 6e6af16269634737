package daemon

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"tlsbench/results"
	"tlsbench/results/event"
	"tlsbench/strategies/catalogue"
	"tlsbench/workload"
	"tlsbench/workload/fetch"
	"tlsbench/workload/peers"
)

// answering is a daemon that answers every peer with an alert; it says first
// what the preload object would. After 50 peers it does what then says, if
// anything.
func answering(t *testing.T, says string, then ...string) Daemon {
	t.Helper()
	program := filepath.Join(t.TempDir(), "answering")
	compileC(t, alertSource, "-DTHEN="+strings.Join(then, ""), "-o", program)
	return standIn(t, says+"\nexec "+program+" kamailio.cfg")
}

// A daemon that falls silent under load hangs, if it wants no processor.
func TestSilentDaemon(t *testing.T) {
	for name, tc := range map[string]struct {
		then  string
		last  time.Duration
		hangs uint64
	}{
		"waits": {"pause()", 3 * silence, 1},
		"works": {"for (volatile int i = 0;; i++) continue", 3 * silence, 0},
		"brief": {"pause()", silence / 2, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := standInTrial(answering(t, "", tc.then), noMode)
			cfg.BadShare, cfg.Duration = 0, tc.last
			out, err := workload.Run(context.Background(), cfg)
			// On a busy machine it may fall silent late.
			for try := 1; err == nil && out.Events["hang"] < tc.hangs && try < 4; try++ {
				cfg.Duration *= 2
				out, err = workload.Run(context.Background(), cfg)
			}
			if err != nil || out.Events["hang"] != tc.hangs {
				t.Errorf("%+v, %v; want %d hangs", out, err, tc.hangs)
			}
		})
	}
}

// One that ends under load crashed, however it did.
func TestDaemonEndsUnderLoad(t *testing.T) {
	for name, tc := range map[string]struct{ then, want string }{
		"exits":  {"return 3", "main process exited with status 3"},
		"killed": {"raise(SIGSEGV)", "main process killed by signal 11"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := standInTrial(answering(t, "", tc.then), noMode)
			cfg.Duration = 20 * time.Second
			out, err := workload.Run(context.Background(), cfg)
			if err != nil || out.Events["crash"] != 1 || !slices.ContainsFunc(out.Noted, func(e workload.Event) bool { return e.Kind == "crash" && e.Detail == tc.want }) {
				t.Errorf("%+v, %v; want a crash, and %q", out, err, tc.want)
			}
		})
	}
}

// What somebody does to the daemon from outside is no evidence, under load and
// before: the trial is carried out three times, and then disturbed.
func TestDaemonIsStopped(t *testing.T) {
	for name, d := range map[string]Daemon{
		"under load": answering(t, "", "raise(SIGSTOP)"),
		"at start":   standIn(t, "kill -STOP $$"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := standInTrial(d, noMode)
			cfg.BadShare, cfg.Duration = 0, 20*time.Second
			out, err := workload.Run(context.Background(), cfg)
			disturbed, ok := errors.AsType[*workload.DisturbedError](err)
			// The stand-in answers with alerts alone, which are damage.
			if name == "under load" {
				if err != nil || out.Events["hang"]+out.Events["crash"] != 0 {
					t.Errorf("%+v, %v; want neither hang nor crash", out, err)
				}
				return
			}
			if !ok || !strings.HasSuffix(disturbed.Reason, " of the daemon was stopped from outside") {
				t.Errorf("%+v, %v; want that it was stopped", out, err)
			}
		})
	}
}

// A death is told of late: what was cut off before is a part of it, an alert is not.
func TestWhatADeathCutsOff(t *testing.T) {
	const s = time.Second
	failures := []peers.Failure{{Kind: peers.Cut, At: 1 * s}, {Kind: peers.Timeout, At: 1 * s}, {Kind: peers.Alert, At: 1 * s}, {Kind: peers.Alert, At: 3 * s}}
	for want, death := range map[uint64]time.Duration{4: 0, 1: 2 * s} {
		tr := &trial{report: &peers.Report{Failures: failures}, out: &workload.Outcome{Life: results.Life{Events: map[string]uint64{}}}}
		tr.gatherFailures(death)
		if got := tr.out.Events[event.FailedHandshake]; got != want {
			t.Errorf("with a death at %v: %d failed handshakes, want %d", death, got, want)
		}
	}
	tr := &trial{report: &peers.Report{Failures: failures}, out: &workload.Outcome{Life: results.Life{Events: map[string]uint64{}}}}
	tr.Notice(s / 2)
	tr.Notice(s/2 + 10*s)
	tr.gatherFailures(0)
	if got := tr.out.Events[event.FailedHandshake]; got != 2 {
		t.Errorf("in a pause of the harness: %d failed handshakes, want the 2 alerts", got)
	}
}

const alertSource = `#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
int main(int argc, char **argv)
{
	static const unsigned char alert[] = {21, 3, 3, 0, 2, 2, 40};
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	FILE *f = argc > 1 ? fopen(argv[1], "r") : NULL;
	int peers = 0, port = 0, c, on = 1, s = socket(AF_INET, SOCK_STREAM, 0);
	char text[4096];

	while (f != NULL && port == 0 && fgets(text, sizeof text, f) != NULL)
		sscanf(text, "listen=tls:127.0.0.1:%d", &port);
	at.sin_port = htons(port);
	setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (bind(s, (void *)&at, sizeof at) != 0 || listen(s, 64) != 0)
		return 1;
	while ((c = accept(s, NULL, NULL)) >= 0) {
		if (read(c, text, sizeof text) > 0 && write(c, alert, sizeof alert) < 0)
			return 2;
		close(c);
		if (++peers == 50) {
			THEN;
		}
	}
	return 0;
}
`

// A daemon that the strategy was not put into is not judged: the loader passed
// over the preload object, or the call that it waits for never came.
func TestStrategyIsNeverSetUp(t *testing.T) {
	const want = "strategy hwm was never set up in kamailio 5.6: its log "
	for name, d := range map[string]Daemon{
		"serves":         answering(t, "echo ignored >&2"),
		"dies early":     standIn(t, `echo "child process 7 exited by a signal 11" >&2; exit 1`),
		"answers nobody": standIn(t, "sleep 1000"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := standInTrial(d, noMode)
			cfg.Strategy = catalogue.Choice{Name: "hwm"}
			if out, err := workload.Run(context.Background(), cfg); err == nil || !strings.HasPrefix(err.Error(), want) {
				t.Errorf("%+v, %v; want an error that begins with %q", out, err, want)
			}
		})
	}
}

// One that was, or that an own strategy's set-up ends or stops, is.
func TestStrategyIsSetUp(t *testing.T) {
	const begun = `echo "tlsbench-preload: setting up hwm" >&2; `
	for name, tc := range map[string]struct {
		d     Daemon
		event string
	}{
		"serves":            {answering(t, begun+`echo "tlsbench-preload: hwm: set up when" >&2`), "failed-handshake"},
		"its set-up dies":   {standIn(t, begun+"kill -SEGV $$"), "crash"},
		"its set-up stands": {standIn(t, begun+"sleep 1000"), "hang"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := standInTrial(tc.d, noMode)
			cfg.Strategy = catalogue.Choice{Name: "hwm"}
			if out, err := workload.Run(context.Background(), cfg); err != nil || out.Events[tc.event] == 0 || len(out.Events) != 1 {
				t.Errorf("%+v, %v; want %s and nothing else", out, err, tc.event)
			}
		})
	}
}

// The real loader splits its lists at some characters: a cache folder with one
// of them is refused, in one line, before anything is fetched.
func TestFoldersThatTheLoaderSplits(t *testing.T) {
	for _, bad := range []string{"a:b", "a;b", "a$b"} {
		if _, err := Fetch(context.Background(), nil, fetch.Options{Dir: filepath.Join(t.TempDir(), bad)}); err == nil || !strings.Contains(err.Error(), "the dynamic loader cannot use") {
			t.Errorf("daemons in %s: error %v", bad, err)
		}
	}
	for _, bad := range []string{"a:b", "a b"} {
		t.Setenv("XDG_CACHE_HOME", filepath.Join(t.TempDir(), bad))
		if err := CanInject(choice(t, "hwm"), ""); err == nil || !strings.Contains(err.Error(), "the dynamic loader cannot use") {
			t.Errorf("preload object in %s: error %v", bad, err)
		}
		if err := CanInject(choice(t, "none"), ""); err != nil {
			t.Errorf("no preload object in %s: error %v", bad, err)
		}
	}
}

// A cache folder that was made for everybody is closed.
func TestPreloadFolderIsPrivate(t *testing.T) {
	cache := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", cache)
	dir := filepath.Join(cache, "tlsbench", "preload")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := preloadObject(context.Background(), ""); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("folder of the preload object: %v, %v; want 0700", info.Mode(), err)
	}
}

// Without a cache folder of the user's the object is below the folder that he named.
func TestPreloadWithoutHome(t *testing.T) {
	t.Setenv("HOME", "")
	t.Setenv("XDG_CACHE_HOME", "")
	if err := CanInject(choice(t, "hwm"), ""); err == nil || !strings.Contains(err.Error(), "find the user's cache folder") {
		t.Errorf("nowhere to put the object: error %v", err)
	}
	dir := t.TempDir()
	if err := CanInject(choice(t, "hwm"), dir); err != nil {
		t.Error(err)
	}
	object, err := preloadObject(context.Background(), dir)
	if err != nil || filepath.Dir(object) != filepath.Join(dir, ".preload") {
		t.Errorf("the object is %s, want it below %s: %v", object, dir, err)
	}
}

// A peer waits longer for a daemon that gets little of the processors, or is traced.
func TestPeerPatience(t *testing.T) {
	for _, tc := range []struct {
		load float64 // for each processor
		heap string
		want time.Duration
	}{{0, "", peerLimit}, {1, "global", peerLimit}, {3, "", 3 * peerLimit}, {50, "", 6 * peerLimit}, {0, "traced", 4 * peerLimit}} {
		tr := &trial{cfg: workload.Config{Heap: tc.heap}, out: &workload.Outcome{}}
		tr.out.LoadBefore = tc.load * float64(runtime.NumCPU())
		if got := tr.peerPatience(); got != tc.want {
			t.Errorf("load %v, heap %q: %v, want %v", tc.load, tc.heap, got, tc.want)
		}
	}
}
