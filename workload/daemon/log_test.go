package daemon

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"tlsbench/results/event"
)

// Messages as the packaged versions print them.
func TestReadLine(t *testing.T) {
	for _, tc := range []struct{ line, kind, detail string }{
		{
			" 4(120) CRITICAL: <core> [core/mem/q_malloc.c:535]: qm_free(): BUG: freeing already freed pointer (0x7f10), called from tls: tls_init.c: ser_free(323), first free tls: tls_init.c: ser_free(323) - aborting",
			"double-free",
			"qm_free(): BUG: freeing already freed pointer (0x7f10), called from tls: tls_init.c: ser_free(323), first free tls: tls_init.c: ser_free(323) - aborting",
		},
		{
			" 4(120) CRITICAL: <core> [core/mem/q_malloc.c:518]: qm_free(): BUG: bad pointer 0x1 (out of memory block!) called from tls: tls_init.c: ser_free(397) - ignoring",
			"wild-free", "qm_free(): BUG: bad pointer 0x1 (out of memory block!) called from tls: tls_init.c: ser_free(397) - ignoring",
		},
		{
			" 4(120) CRITICAL: <core> [core/mem/q_malloc.c:126]: qm_debug_check_frag(): BUG: qm: fragm. 0x7f (address 0x7f) beginning overwritten (0)!",
			"overrun", "qm_debug_check_frag(): BUG: qm: fragm. 0x7f (address 0x7f) beginning overwritten (0)!",
		},
		{
			" 0(110) ALERT: <core> [main.c:767]: handle_sigs(): child process 120 exited by a signal 11",
			"crash", "handle_sigs(): child process 120 exited by a signal 11",
		},
		{line: " 0(110) ALERT: <core> [main.c:770]: handle_sigs(): child process 120 exited normally, status=0"},
		{line: " 0(110) INFO: <core> [main.c:799]: handle_sigs(): terminating due to SIGCHLD"},
		{line: " 3(115) ERROR: tls [tls_util.h:42]: tls_err_ret(): TLS accept:error:0A00010B:SSL routines::wrong version number"},
		{line: ""},
		{"tlsbench-preload: hwm: set up when the TLS module was loaded; 4 keys of OpenSSL", noteSetUp, "hwm: set up when the TLS module was loaded; 4 keys of OpenSSL"},
		{"tlsbench-preload: setting up hwm", noteSettingUp, "hwm"},
		{"tlsbench-preload: not applicable: RAND_get0_public", noteNotApplicable, "RAND_get0_public"},
		{"tlsbench-preload: failed: unknown strategy", noteRefused, "unknown strategy"},
		{"tlsbench-preload: skipped: no module", noteSkipped, "no module"},
		{"tlsbench-preload: acted: hazard fips in process 7", noteActed, "hazard fips in process 7"},
		{"tlsbench-preload: event broken-neighbour: in use by process 7", "broken-neighbour", "in use by process 7"},
	} {
		got, ok := readLine(tc.line)
		if diff := cmp.Diff(logEntry{tc.kind, tc.detail}, got, cmp.AllowUnexported(logEntry{})); diff != "" || ok != (tc.kind != "") {
			t.Errorf("readLine(%q) = %v, %v (-want +got):\n%s", tc.line, got, ok, diff)
		}
	}
}

// Whatever a damaged daemon writes, an entry is short, valid text of a known
// kind, and a line that is found is found again in what follows it.
func FuzzReadLine(f *testing.F) {
	f.Add("child process 12 exited by a signal 6")
	f.Add(" 4(120) CRITICAL: <core> [core/mem/q_malloc.c:535]: already freed \xff\xfe")
	f.Add("tlsbench-preload: not applicable: ")
	f.Add("[x:1]: [y:2]: overwritten")
	f.Add("tlsbench-preload: event crash: x")
	kinds := map[string]bool{noteSetUp: true}
	for _, note := range notes {
		kinds[note] = true
	}
	for _, k := range event.Kinds {
		kinds[k.Name] = true
	}
	f.Fuzz(func(t *testing.T, line string) {
		got, ok := readLine(line)
		if !ok {
			if got != (logEntry{}) {
				t.Errorf("readLine(%q) = %v without a logEntry", line, got)
			}
			return
		}
		if !kinds[got.kind] || !utf8.ValidString(got.detail) || len(got.detail) > maxDetail+len("...") {
			t.Errorf("readLine(%q) = %q, %q", line, got.kind, got.detail)
		}
		if again, ok := readLine(line + "\n"); !ok || again != got {
			t.Errorf("readLine(%q) = %v, with a line end %v", line, got, again)
		}
	})
}

func TestLogEnd(t *testing.T) {
	p := &process{}
	if got := p.logEnd(3); got != "its log is empty" {
		t.Errorf("empty log: %q", got)
	}
	for i := range 3*tailLines + 5 {
		p.take(strings.Repeat("x", i))
	}
	want := strings.Repeat("x", 3*tailLines+3) + " | " + strings.Repeat("x", 3*tailLines+4)
	if got := p.logEnd(2); got != "its log ends with: "+want || len(p.tail) != tailLines {
		t.Errorf("end of a long log, of which %d lines are kept: %q", len(p.tail), got)
	}
}
