package main

import (
	"errors"
	"slices"

	"tlsbench/workload/daemon"
	"tlsbench/workload/fetch"
	"tlsbench/workload/neighbours"
	"tlsbench/workload/openssl"
)

// attach brings the plan's daemons, and what the rig needs beside them. A
// daemon that cannot be had or does not start is told, and in a new run the
// rest goes on: lost says so. A resumed run needs all of its own.
func (c *fieldCommand) attach(s *session, plan *daemon.Plan) (lost bool, err error) {
	daemons, err := c.fetch(s, plan.Daemons)
	if err != nil {
		return false, err
	}
	if daemons, err = c.starting(s, plan, daemons); err != nil {
		return false, err
	}
	lost = len(daemons) < len(plan.Daemons)
	if plan.Daemons[0].Package == "" { // from flags, and not from a file
		plan.Daemons = daemons
	} else if err := plan.Attach(daemons); errors.Is(err, daemon.ErrRefused) {
		return lost, &refusal{err}
	} else if err != nil {
		return lost, err
	}
	return lost, c.fetchRig(s, plan)
}

// fetch brings the daemons. What cannot be had is told, and the rest goes on.
func (c *fieldCommand) fetch(s *session, wanted []daemon.Daemon) ([]daemon.Daemon, error) {
	var releases []daemon.Release
	for _, d := range wanted {
		releases = append(releases, d.Release)
	}
	got, err := daemon.Fetch(s.ctx, releases, s.fetching(c.Dir))
	var daemons []daemon.Daemon
	for _, f := range got {
		if f.Err != nil {
			s.complain(f.Err)
			continue
		}
		daemons = append(daemons, f.Found)
	}
	if err != nil && (len(daemons) == 0 || s.ctx.Err() != nil) {
		return nil, fetchError(err)
	}
	if err != nil {
		s.complain(err)
	}
	if len(daemons) == 0 {
		return nil, errFailed
	}
	return daemons, nil
}

// starting leaves out the daemons that do not start even as they are: one line
// each says why, and not one a trial.
func (c *fieldCommand) starting(s *session, plan *daemon.Plan, daemons []daemon.Daemon) ([]daemon.Daemon, error) {
	var list []daemon.Daemon
	for _, d := range daemons {
		err := d.Starts(s.ctx, c.Port)
		switch {
		case s.ctx.Err() != nil:
			return nil, s.ctx.Err()
		case err != nil:
			s.complain(err)
		default:
			list = append(list, d)
		}
	}
	if len(list) == 0 {
		return nil, errFailed
	}
	return list, nil
}

// fetchRig brings the builds for the rig, and where Python is asked for its
// library of the build's own release. What cannot be had is told: the rig says
// so of each trial.
func (c *fieldCommand) fetchRig(s *session, plan *daemon.Plan) error {
	if plan.RigDuration == 0 {
		return nil
	}
	var lines []string
	for _, d := range plan.Daemons {
		lines = append(lines, d.Release.Line)
	}
	got, err := openssl.Fetch(s.ctx, lines, s.fetching(c.OpensslDir))
	for _, f := range got {
		if f.Err != nil {
			s.complain(f.Err)
			continue
		}
		if err := c.fetchPython(s, plan, f.Found); err != nil {
			s.complain(err)
		}
	}
	if errors.Is(err, fetch.ErrOffline) || errors.Is(err, fetch.ErrNoArchive) {
		s.complain(err)
		return nil
	}
	return err
}

func (c *fieldCommand) fetchPython(s *session, plan *daemon.Plan, b openssl.Build) error {
	if !slices.ContainsFunc(plan.Python, func(p string) bool { return p != "" }) {
		return nil
	}
	_, err := neighbours.Fetch(s.ctx, b, c.OpensslDir, s.fetching(""))
	return err
}
