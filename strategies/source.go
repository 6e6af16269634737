package strategies

import "embed"

// Source holds the C files of all strategies and strategy.h, for programs that
// compile them into something else than this one, and as a copy for a fix of
// one's own.
//
//go:embed *.c *.h
var Source embed.FS
