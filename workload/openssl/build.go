// Package openssl finds OpenSSL builds to run the rig on: the system's own,
// those that Fetch brought into the cache, and any folder.
package openssl

// Build is one OpenSSL: the two library files, and, where the build needs a
// newer C library than the system has, the loader and the folders to run the
// rig with.
type Build struct {
	Name        string   // as asked for: "system", "3.5", a folder
	Libcrypto   string   // resolved path of the file
	Libssl      string   // resolved path of the file
	Loader      string   // "" = the system's own
	LibraryPath []string // for Loader, or for the dependencies of Libssl
}
