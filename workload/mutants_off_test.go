//go:build !mutants

package workload

const builtWithMutants = false
