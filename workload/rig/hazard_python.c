/*
 * hazard_python.c: real libpython in rank 0's main thread, as Kamailio's module
 * app_python3 has it: Py_Initialize at start, the GIL kept, PyOS_BeforeFork
 * before the forks, PyOS_AfterFork_Child in each worker, and then
 * PyGILState_Ensure around each call. The script uses ssl and hashlib, and with
 * them the very OpenSSL of the server. before=1 starts the interpreter before
 * OpenSSL; the modules still come after, as OpenSSL must not have allocated
 * when it is given the shared heap.
 */
#include "hazard.h"
#include "neighbour.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

typedef struct object PyObject;

/* FUNCTION(result, name, arguments): all in the stable ABI, or as old as 3.7. */
#define PYTHON(FUNCTION)                                                         \
	FUNCTION(void, Py_InitializeEx, (int))                                   \
	FUNCTION(const char *, Py_GetVersion, (void))                            \
	FUNCTION(int, PyRun_SimpleString, (const char *))                        \
	FUNCTION(PyObject *, PyImport_AddModule, (const char *))                 \
	FUNCTION(PyObject *, PyObject_GetAttrString, (PyObject *, const char *)) \
	FUNCTION(PyObject *, PyObject_CallObject, (PyObject *, PyObject *))      \
	FUNCTION(const char *, PyUnicode_AsUTF8, (PyObject *))                   \
	FUNCTION(void, PyErr_Clear, (void))                                      \
	FUNCTION(void, Py_DecRef, (PyObject *))                                  \
	FUNCTION(int, PyGILState_Ensure, (void))                                 \
	FUNCTION(void, PyGILState_Release, (int))                                \
	FUNCTION(void, PyOS_BeforeFork, (void))                                  \
	FUNCTION(void, PyOS_AfterFork_Child, (void))

#define MEMBER(result, name, arguments) result(*name) arguments;
#define LOAD(result, name, arguments) python.name = (result(*) arguments)neighbour_symbol(library, #name);

static struct {
	PYTHON(MEMBER)
} python;

enum { LIMIT_MS = 1000 };

/*
 * work() gives "" if all went well, else what did not. The client's first flight
 * takes a key share and a random; the digest has a known value.
 */
static const char script[] =
	"import hashlib, ssl\n"
	"context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)\n"
	"known = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'\n"
	"def about():\n"
	"    return ssl.OPENSSL_VERSION\n"
	"def hello(context):\n"
	"    out = ssl.MemoryBIO()\n"
	"    tls = context.wrap_bio(ssl.MemoryBIO(), out, server_hostname='localhost')\n"
	"    try:\n"
	"        tls.do_handshake()\n"
	"    except ssl.SSLWantReadError:\n"
	"        return out.pending\n"
	"def work():\n"
	"    try:\n"
	"        if hashlib.sha256(b'abc').hexdigest() != known:\n"
	"            return 'hashlib: wrong digest'\n"
	"        if not hello(context) or not hello(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)):\n"
	"            return 'ssl: no ClientHello'\n"
	"        return ''\n"
	"    except BaseException as e:\n"
	"        return type(e).__name__ + ': ' + str(e)\n";

static void start(void)
{
	void *library = neighbour_open("libpython");

	PYTHON(LOAD)
	setenv("PYTHONHOME", hazard_text("python-home"), 1);
	setenv("PYTHONDONTWRITEBYTECODE", "1", 1); /* leave nothing behind */
	setenv("PYTHONNOUSERSITE", "1", 1);
	unsetenv("PYTHONPATH");
	python.Py_InitializeEx(0); /* 0: the signal handlers stay ours */
}

/* Calls a function of the script; its result is a text, NULL if it raised. */
static bool call(const char *name, char *text, size_t size)
{
	PyObject *module = python.PyImport_AddModule("__main__"); /* borrowed */
	PyObject *function = module != NULL ? python.PyObject_GetAttrString(module, name) : NULL;
	PyObject *result = function != NULL ? python.PyObject_CallObject(function, NULL) : NULL;
	const char *utf8 = result != NULL ? python.PyUnicode_AsUTF8(result) : NULL;

	if (utf8 != NULL) {
		strncpy(text, utf8, size - 1);
		text[size - 1] = '\0';
	}
	python.PyErr_Clear();
	python.Py_DecRef(result);
	python.Py_DecRef(function);
	return utf8 != NULL;
}

static bool start_before(void)
{
	if (hazard_number("python", "before", 0) == 0)
		return false;
	start();
	return true;
}

static bool start_after(struct contexts *all)
{
	char text[100];

	(void)all;
	signal(SIGPIPE, SIG_IGN);
	if (python.Py_InitializeEx == NULL)
		start();
	if (python.PyRun_SimpleString(script) != 0)
		hazard_skip("Python %.*s has no module ssl that works here", (int)strcspn(python.Py_GetVersion(), " "),
			python.Py_GetVersion());
	if (!call("about", text, sizeof text))
		FAIL(0, "Python's function about raised an exception");
	hazard_introduce("Python %.*s, %s", (int)strcspn(python.Py_GetVersion(), " "), python.Py_GetVersion(), text);
	python.PyOS_BeforeFork();
	return true;
}

static bool after_fork(void *unused)
{
	(void)unused;
	python.PyOS_AfterFork_Child();
	return false; /* not yet what the hazard is about */
}

static bool in_worker(void)
{
	return neighbour_call("PyOS_AfterFork_Child", true, LIMIT_MS, after_fork, NULL);
}

static bool work(void *unused)
{
	int state = python.PyGILState_Ensure();
	char text[96];
	bool called = call("work", text, sizeof text);

	(void)unused;
	python.PyGILState_Release(state);
	if (!called)
		neighbour_complain("Python: work raised an exception");
	else if (text[0] != '\0')
		neighbour_complain("Python: %s", text);
	return true;
}

static bool each(struct contexts *mine)
{
	(void)mine;
	return neighbour_call("Python with PyGILState_Ensure", true, LIMIT_MS, work, NULL);
}

const struct hazard hazard_python = {
	.name = "python",
	.every = 8,
	.before_openssl = start_before,
	.after_setup = start_after,
	.in_worker = in_worker,
	.each = each,
};
