// Package fetch unpacks packages of any release of Debian or Ubuntu into a
// folder, beside the system and without root.
//
// apt-get and dpkg-deb do the work; the package keeps them away from the
// system and judges what they say:
//
//  1. Machine asks apt which archive this machine is set up to use, and with
//     which keyring. No host name is written here.
//  2. An Apt has its own state folder: own sources, own indexes, own package
//     cache. The machine's apt.conf stays in force (proxies, certificates,
//     what is checked), but its sources, its preferences and the commands it
//     runs after an update do not.
//  3. A Fetcher brings the indexes of a release, downloads packages, unpacks
//     them, and goes on with those that the unpacked files need. apt checks
//     each index against the keyring and each package against its index.
//  4. A Store is a folder of such trees. A tree is unpacked elsewhere and
//     renamed into place; its Manifest has the hash of every file, so a tree
//     that is there and verifies costs no network at all.
//
// In short, with errors left out:
//
//	archive, _ := fetch.Machine(ctx)
//	store := fetch.Store{Dir: dir}
//	unlock, _ := store.Lock(ctx, nil)
//	defer unlock()
//	apt, _ := fetch.NewApt(archive, store.State())
//	fetcher := &fetch.Fetcher{Apt: apt, Suites: fetch.Suites("bookworm"),
//		Packages: []string{"libcurl4"}, Roots: []string{"usr/lib/*/libcurl.so.4"}}
//	manifest, _ := store.Put("curl", func(tree string) (*fetch.Manifest, error) {
//		return fetcher.Fetch(ctx, tree)
//	})
package fetch
