package bench

/*
#include <stdlib.h>
#ifdef __GLIBC__
#include <gnu/libc-version.h>
static const char *libc_version(void) { return gnu_get_libc_version(); }
#else
static const char *libc_version(void) { return NULL; }
#endif

// The C compiler that built this package built the rig too.
static const char *cc_version(void)
{
#ifdef __clang__
	return __VERSION__;
#else
	return "gcc " __VERSION__;
#endif
}
*/
import "C"

import (
	"runtime/debug"
	"strings"
	"sync"

	"tlsbench/workload/sharedlib"
)

func compilerVersion() string { return C.GoString(C.cc_version()) }

// libcVersion is that of the C library this process runs with. A build that
// brings its own C library is named by its files.
func libcVersion() string {
	if v := C.libc_version(); v != nil {
		return "glibc " + C.GoString(v)
	}
	return unknown
}

// Version is the version of this program: that of its module, which for a
// build from a checkout names the commit, and says so if files were changed.
// Two programs of such a version need not be the same: the digest of their
// files tells them apart.
var Version = sync.OnceValue(func() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return exactVersion("")
	}
	return exactVersion(info.Main.Version)
})

// exactVersion adds the digest of this program to a version that stands for
// more than one.
func exactVersion(version string) string {
	if version == "" {
		version = "(devel)"
	}
	if version != "(devel)" && !strings.HasSuffix(version, "+dirty") {
		return version
	}
	digest, err := sharedlib.Digest("/proc/self/exe")
	if err != nil {
		return version
	}
	return version + " " + short(digest)
}
