// Package plots draws results files: nine figures, and a report page that
// holds them all. It works on files alone and knows nothing of C, of processes
// or of OpenSSL.
//
// The way from files to pictures:
//
//  1. Load reads the files twice in parallel: package results works out all
//     statistics (Summarize), and Data keeps the single values that are drawn
//     as dots, scene by scene.
//  2. Figures makes of Data the list of figures, one file of this package for
//     each, by the places that register gave them. A Figure is a title, a
//     caption and panels; a Panel is one scene: it knows its size, says in words
//     what it shows, and draws itself on any canvas. A figure without data has
//     no panels and says so. ADDING.md adds one, step by step.
//  3. Two or three charts are shared by all figures: rows (one strategy a row,
//     dots with median and interval), lines (a curve for each strategy) and
//     the cells of a map.
//  4. WriteFiles lays panels out on sheets and writes SVG, or PNG too; Report puts
//     them one by one into a page, where they can be filtered.
//
// What holds for every figure: a strategy has one colour, one marker, one dash
// and one place everywhere (theme.go). Nothing is told by colour alone. An
// interval is always drawn, and where there is none the figure says why. Zero
// events are an upper bound. Panels of a run whose controls failed carry that
// mark. The caption has the number of trials and names the baseline.
package plots
