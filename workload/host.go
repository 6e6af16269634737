package workload

import (
	"slices"
	"strings"

	"github.com/prometheus/procfs"
)

// host is what the machine was doing before a trial.
type host struct {
	cpu procfs.CPUStat
	ok  bool
}

func hostBefore(o *Outcome) host {
	fs, err := procfs.NewDefaultFS()
	if err != nil {
		return host{}
	}
	if load, err := fs.LoadAvg(); err == nil {
		o.LoadBefore = load.Load1
	}
	stat, err := fs.Stat()
	return host{stat.CPUTotal, err == nil}
}

// after notes the share of processor time that the hypervisor gave to others.
func (h host) after(o *Outcome) {
	fs, err := procfs.NewDefaultFS()
	if err != nil || !h.ok {
		return
	}
	stat, err := fs.Stat()
	if err != nil {
		return
	}
	if all := total(stat.CPUTotal) - total(h.cpu); all > 0 {
		o.Steal = (stat.CPUTotal.Steal - h.cpu.Steal) / all
	}
}

func total(c procfs.CPUStat) float64 {
	return c.User + c.Nice + c.System + c.Idle + c.Iowait + c.IRQ + c.SoftIRQ + c.Steal
}

// mappedFiles lists the libraries that a process really has mapped: OpenSSL's,
// the C library and its loader.
func mappedFiles(pid int) []string {
	process, err := procfs.NewProc(pid)
	if err != nil {
		return nil
	}
	maps, err := process.ProcMaps()
	if err != nil {
		return nil
	}
	var files []string
	for _, m := range maps {
		name := m.Pathname[strings.LastIndexByte(m.Pathname, '/')+1:]
		for _, prefix := range []string{"libcrypto", "libssl", "libc.so", "libc-", "ld-"} {
			if strings.HasPrefix(name, prefix) && !slices.Contains(files, m.Pathname) {
				files = append(files, m.Pathname)
			}
		}
	}
	slices.Sort(files)
	return files
}
