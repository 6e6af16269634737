// Package plots draws results files: figures, each the answer to a question that
// is its title. Package report makes a page of them. It works on files alone and
// knows nothing of C, of processes or of OpenSSL.
//
// The way from files to pictures:
//
//  1. Load reads the files: package results works out all statistics
//     (Summarize) and keeps the single values that are drawn as dots.
//  2. Figures makes of Data the list of figures, one file of this package for
//     each; figures.go has their order. A Figure is a title, a caption and panels;
//     a Panel is a chart with a heading and what it shows in words. Scenes that
//     differ in OpenSSL alone share a panel and its axis. A figure without data has
//     no panels and says so. ADDING.md adds one, step by step.
//  3. Charts are of three kinds: rows (dots with estimate and interval, rows.go),
//     lines (a curve or the dots of each strategy, lines.go) and the cells of a map
//     (cells.go), on the axes of axis.go in the looks of theme.go.
//  4. WriteFiles puts the panels of a figure on one sheet (figure.go) and writes
//     it as SVG, or PNG too (canvas.go); package report puts them one by one into
//     a page, where they can be filtered.
//
// What holds for every figure: a strategy has one colour, one marker, one dash
// and one place everywhere. Nothing is told by colour alone. An interval is
// always drawn, and where there is none the figure says why. Zero events are an
// upper bound. Panels of a run whose controls failed carry that mark. The
// caption has the number of trials, and names the baseline of ratios.
package plots
