package plots

import "tlsbench/results"

// splitDaemons takes the files with daemons out of a list, and compares what is in
// each. They are in no figure: the rig's trials in them are there to be held
// against the daemons'.
func splitDaemons(files []string) (runs []string, daemons []*results.Comparison, err error) {
	for _, path := range files {
		if !results.HasDaemons(path) {
			runs = append(runs, path)
			continue
		}
		c, err := results.Summarize(results.Options{}, path)
		if err != nil {
			return nil, nil, err
		}
		if c.Daemons == nil {
			c.Daemons = new(results.Daemons)
		}
		daemons = append(daemons, c)
	}
	return runs, daemons, nil
}
