// Package sharedlib reads shared objects from their files and answers what
// the dynamic linker would make of them, without loading anything: which
// libraries one needs (Follow), where the system has them (Linker), and which
// release of glibc they need or are (Glibc, GlibcRelease).
//
// The dynamic linker can be asked the same by running it ("ld.so --list"),
// but it maps the files to do so, only knows this system's own libraries, and
// says little about a file that it refuses.
package sharedlib
