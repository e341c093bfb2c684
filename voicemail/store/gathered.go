package store

import (
	"math/bits"
	"strings"
)

// gathered are rows of one table that are inserted by few statements.
type gathered struct {
	insert  string // up to VALUES
	columns int
	values  []any // of one row after the other
}

func (g *gathered) add(row ...any) { g.values = append(g.values, row...) }

// mostRows are in one statement: it has as many parameters for each as there
// are columns, and databases bound them.
const mostRows = 64

// take takes as many rows as go into the next statement. It is a power of two,
// so that few statements are to be prepared.
func (g *gathered) take() (query string, values []any) {
	rows := min(mostRows, 1<<(bits.Len(uint(len(g.values)/g.columns))-1))
	values, g.values = g.values[:rows*g.columns], g.values[rows*g.columns:]
	row := "(?" + strings.Repeat(", ?", g.columns-1) + ")"
	return g.insert + row + strings.Repeat(", "+row, rows-1), values
}
