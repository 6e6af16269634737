// Package neighbours is the harness's side of the hazards that are real
// libraries: what these libraries are to be given, outside the rig.
//
//   - HTTPS is a web server on loopback for libcurl and other TLS clients.
//   - Postgres is a PostgreSQL server with TLS, started as an unprivileged user
//     on a private folder and a free port. It is never one that runs already.
//   - Find gives the file of a library that fits an OpenSSL build: one that needs
//     the same libcrypto, from the system for builds of the system, and from
//     the build's own Debian release for those of the cache (Fetch).
//
// Everything listens on 127.0.0.1 alone and ends with this process, also if it
// is killed. Nothing is left behind. Keys are in memory alone: PostgreSQL, which
// wants a file, gets a memfd.
package neighbours
