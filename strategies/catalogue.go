package strategies

// Strategy is one line of the catalogue.
type Strategy struct {
	Name    string
	File    string // its C file
	Summary string
	Source  string // project, version and commit that used it
	Assumes string // what must hold for it to be safe
	Params  []Param
}

// Param is a number that a strategy can be given, as in hwm:scan=64.
type Param struct {
	Name     string
	Default  int64
	Min, Max int64
	Summary  string
}

// maxKeys is PTHREAD_KEYS_MAX of glibc.
const maxKeys = 1024

var catalogue = []Strategy{
	{
		Name:    "none",
		File:    "none.c",
		Summary: "nothing is done: the positive control",
		Source:  "Kamailio up to 5.7, and later with tls_threads_mode=0; OpenSIPS",
		Assumes: "that OpenSSL keeps nothing per thread which workers could inherit",
	},
	{
		Name:    "temp-thread",
		File:    "temp_thread.c",
		Summary: "what may initialise OpenSSL in rank 0 runs in a thread that is joined",
		Source:  "Kamailio 5.8.0 and 5.8.1, tls_threads_mode=1",
		Assumes: "that nothing ever uses OpenSSL in rank 0's main thread",
	},
	{
		Name:    "clear-0-15",
		File:    "clear_0_15.c",
		Summary: "the child sets filled keys 0 to 15 to NULL",
		Source:  "Kamailio 5.8.0 and 5.8.1, tls_threads_mode=2",
		Assumes: "that all of OpenSSL's keys, and nobody else's, lie in 0 to 15",
		Params:  []Param{{"n", 16, 1, maxKeys, "number of keys cleared, from key 0 on"}},
	},
	{
		Name:    "hwm",
		File:    "hwm.c",
		Summary: "the child clears all keys up to the highest that rank 0 had filled",
		Source:  "Kamailio 5.8.2 and later, commit fe6f4fc (2024-04-29)",
		Assumes: "that OpenSSL created its keys before anyone else, below key 32",
		Params:  []Param{{"scan", 32, 1, maxKeys, "number of keys looked at for the mark"}},
	},
	{
		Name:    "thread-stop",
		File:    "thread_stop.c",
		Summary: "rank 0 calls OPENSSL_thread_stop() before each fork",
		Source:  "Kamailio master, commit 396989e (2026-04-05); OpenSIPS pull request 3841",
		Assumes: "that OPENSSL_thread_stop() empties every slot that OpenSSL filled",
	},
	{
		Name:    "pointer-match",
		File:    "pointer_match.c",
		Summary: "the child clears the slots that hold the pointers OpenSSL hands out",
		Source:  "patch on OpenSIPS issue 3388",
		Assumes: "that OpenSSL hands out exactly what its slots hold, below key 32",
		Params:  []Param{{"scan", 32, 1, maxKeys, "number of keys looked at"}},
	},
	{
		Name:    "key-owner",
		File:    "key_owner.c",
		Summary: "the child clears exactly the keys that OpenSSL created: the oracle and negative control",
		Source:  "this suite; needs a ledger of keys that no daemon has",
		Assumes: "that the ledger is right",
	},
}

// All lists the catalogue, in the order of tables and figures.
func All() []Strategy {
	return append([]Strategy(nil), catalogue...)
}

// Names of the positive and of the negative control.
const (
	PositiveControl = "none"
	NegativeControl = "key-owner"
)
