//go:build linux

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
)

// told is an outcome as one process tells it to another.
type told struct {
	Runs, Sent, Accepted, Lost, Duplicated int
	Broken                                 []string
	Figure, Err                            string
	Refused                                bool
}

func (o outcome) asJSON(err error) error {
	t := told{
		Runs: o.runs, Sent: o.sent, Accepted: o.accepted, Lost: o.lost, Duplicated: o.duplicated,
		Broken: o.broken, Figure: o.figure, Refused: errors.Is(err, errRefused),
	}
	if err != nil {
		t.Err = err.Error()
	}
	return json.NewEncoder(os.Stdout).Encode(t)
}

// fromJSON reads what asJSON wrote, unless the process itself failed.
func fromJSON(out []byte, failed error) (o outcome, err error) {
	var t told
	if failed != nil {
		return o, fmt.Errorf("in a namespace: %w", failed)
	}
	if err := json.Unmarshal(out, &t); err != nil {
		return o, fmt.Errorf("in a namespace: %w: %q", err, out)
	}
	o.runs, o.figure = t.Runs, t.Figure
	o.verdict = verdict{sent: t.Sent, accepted: t.Accepted, lost: t.Lost, duplicated: t.Duplicated, broken: t.Broken}
	switch {
	case t.Refused:
		err = fmt.Errorf("%w (%s)", errRefused, t.Err)
	case t.Err != "":
		err = errors.New(t.Err)
	}
	return o, err
}
