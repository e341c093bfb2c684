package signaling

import (
	"bytes"
	"errors"
	"strconv"
	"strings"

	"parley/presence"
)

// address heads a parcel on the bus. A parcel with a head is a hint, and its
// frame the event there, which saves reading it back.
type address struct {
	Device presence.DeviceID // only this device
	Except presence.DeviceID // all but this device
	Head   int64             // the log goes this far
	Cause  string            // why what waits in the mailbox has changed
	Until  int64             // the event is good until then, Unix ms
	Out    bool              // Device is signed out
}

var errParcel = errors.New("parcel without an address")

// parcel puts the address in front of a frame, if there is one: a line of
// fields with tabs between them, none of which has a tab or a line's end in it.
// There are several parcels to each message.
func (a address) parcel(frame []byte) []byte {
	out := make([]byte, 0, 80+len(a.Device)+len(a.Except)+len(frame))
	out = append(append(out, a.Device...), '\t')
	out = append(append(out, a.Except...), '\t')
	out = append(strconv.AppendInt(out, a.Head, 10), '\t')
	out = append(append(out, a.Cause...), '\t')
	out = append(strconv.AppendInt(out, a.Until, 10), '\t')
	out = append(strconv.AppendBool(out, a.Out), '\n')
	return append(out, frame...)
}

func openParcel(parcel []byte) (a address, frame []byte, err error) {
	line, frame, whole := bytes.Cut(parcel, []byte{'\n'})
	rest := string(line)
	var fields [6]string
	for i := range fields {
		var more bool
		if fields[i], rest, more = strings.Cut(rest, "\t"); more != (i < len(fields)-1) {
			whole = false
		}
	}
	a.Device, a.Except, a.Cause = presence.DeviceID(fields[0]), presence.DeviceID(fields[1]), fields[3]
	var errs [3]error
	a.Head, errs[0] = strconv.ParseInt(fields[2], 10, 64)
	a.Until, errs[1] = strconv.ParseInt(fields[4], 10, 64)
	a.Out, errs[2] = strconv.ParseBool(fields[5])
	if !whole || errs != [3]error{} {
		return address{}, nil, errParcel
	}
	return a, frame, nil
}
