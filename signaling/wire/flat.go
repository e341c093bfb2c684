package wire

import (
	"bytes"
	"strconv"
	"strings"

	"parley/presence"
)

// Most of what clients send are texts, acks and what makes a call, and most of
// those are plain: one object without white space or anything unexpected, and of
// escapes only the short ones. Those are read here in one pass. Everything else
// is left to encoding/json, which decides what is a frame and what is none;
// where this reads a frame, it reads what encoding/json would.

// flatFrame is a frame that is read so.
type flatFrame interface {
	Frame
	// flat reads the value of a field. False says that the frame has none of
	// that name.
	flat(o *flatObject, name string) bool
	head() Head
}

// flatFrameOf makes a frame of a type, nil if it is none of these.
func flatFrameOf(name []byte) flatFrame {
	switch string(name) {
	case "ack":
		return &Ack{}
	case "send":
		return &Send{}
	case "call.invite":
		return &CallInvite{}
	case "call.ringing":
		return &CallRinging{}
	case "call.accept":
		return &CallAccept{}
	case "call.candidate":
		return &CallCandidate{}
	case "call.connected":
		return &CallConnected{}
	case "call.description":
		return &CallDescription{}
	case "call.hangup":
		return &CallHangup{}
	}
	return nil
}

func (f *Ack) flat(o *flatObject, name string) bool {
	f.Pos = o.integer()
	return name == "pos"
}

func (f *Ack) head() Head { return Head{Type: f.Type()} }

func (f *Send) flat(o *flatObject, name string) bool {
	switch name {
	case "id":
		f.ID = o.text()
	case "cid":
		f.CID = o.text()
	case "to":
		f.To = presence.AccountID(o.text())
	case "text":
		f.Text = o.text()
	case "ttl_ms":
		f.TTL = o.integer()
	case "urgent":
		f.Urgent = o.boolean()
	default:
		return false
	}
	return true
}

func (f *Send) head() Head { return Head{Type: f.Type(), ID: f.ID} }

// flatObject is what is left of such an object, behind its type.
type flatObject struct {
	rest string
	ok   bool // it is plain so far
}

// decodeFlat reads a frame that is plain and valid UTF-8. Its strings share one
// copy of data.
func decodeFlat(data []byte) (f Frame, head Head, ok bool) {
	const prefix = `{"type":"`
	if !bytes.HasPrefix(data, []byte(prefix)) {
		return nil, head, false
	}
	data = data[len(prefix):]
	end := bytes.IndexByte(data, '"')
	if end < 0 {
		return nil, head, false
	}
	frame := flatFrameOf(data[:end])
	if frame == nil {
		return nil, head, false
	}
	o := flatObject{string(data[end+1:]), true}
	for o.next() {
		if !frame.flat(&o, o.key()) {
			return nil, head, false
		}
	}
	return frame, frame.head(), o.ok
}

// next reports whether a field follows.
func (o *flatObject) next() bool {
	if !o.ok || o.rest == "}" {
		return false
	}
	o.skip(",")
	return o.ok
}

func (o *flatObject) skip(what string) {
	if len(o.rest) < len(what) || o.rest[:len(what)] != what {
		o.ok = false
		return
	}
	o.rest = o.rest[len(what):]
}

func (o *flatObject) key() string {
	name := o.text()
	o.skip(":")
	return name
}

// text reads a string.
func (o *flatObject) text() string {
	o.skip(`"`)
	escapes := 0
	for i := 0; o.ok && i < len(o.rest); i++ {
		switch c := o.rest[i]; {
		case c == '"':
			value := o.rest[:i]
			o.rest = o.rest[i+1:]
			if escapes > 0 {
				return o.unescaped(value, escapes)
			}
			return value
		case c == '\\':
			escapes++
			i++ // what is escaped ends nothing
		case c < ' ':
			o.ok = false
		}
	}
	o.ok = false
	return ""
}

// short are the escapes of one letter, and what they stand for.
var short = [256]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// unescaped is a string in which so many escapes are, all of them short.
func (o *flatObject) unescaped(value string, escapes int) string {
	var out strings.Builder
	out.Grow(len(value) - escapes)
	for {
		i := strings.IndexByte(value, '\\')
		if i < 0 {
			out.WriteString(value)
			return out.String()
		}
		c := short[value[i+1]]
		if c == 0 {
			o.ok = false // \u, or none
			return ""
		}
		out.WriteString(value[:i])
		out.WriteByte(c)
		value = value[i+2:]
	}
}

// integer reads a number of up to 18 digits.
func (o *flatObject) integer() int64 {
	end := 0
	for end < len(o.rest) && end < 19 && (o.rest[end] >= '0' && o.rest[end] <= '9' || end == 0 && o.rest[0] == '-') {
		end++
	}
	digits := o.rest[:end]
	o.rest = o.rest[end:]
	if n, err := strconv.ParseInt(digits, 10, 64); err == nil && strconv.FormatInt(n, 10) == digits {
		return n
	}
	o.ok = false // a zero in front, or no integer, or a larger one
	return 0
}

func (o *flatObject) boolean() bool {
	if o.rest != "" && o.rest[0] == 't' {
		o.skip("true")
		return true
	}
	o.skip("false")
	return false
}
