// Package house tests the rules that every file of the project keeps: which
// package may know which, how long files and functions may be, that the C takes
// nothing from OpenSSL's headers, and that no input reaches a shell as code.
//
// It has no code of its own; the rules are the tables of its tests.
package house
