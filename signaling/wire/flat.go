package wire

import (
	"bytes"
	"strconv"

	"parley/presence"
)

// Most of what clients send are texts and acks, and most of those are plain:
// one object without white space, escapes or anything unexpected. Those are
// read here in one pass. Everything else is left to encoding/json, which
// decides what is a frame and what is none; where this reads a frame, it reads
// what encoding/json would.

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
	switch kind := data[len(prefix):]; {
	case bytes.HasPrefix(kind, []byte(`ack"`)):
		o := flatObject{string(kind[len(`ack"`):]), true}
		ack := &Ack{}
		for o.next() {
			switch o.key() {
			case "pos":
				ack.Pos = o.integer()
			default:
				return nil, head, false
			}
		}
		return ack, Head{Type: "ack"}, o.ok
	case bytes.HasPrefix(kind, []byte(`send"`)):
		o := flatObject{string(kind[len(`send"`):]), true}
		send := &Send{}
		for o.next() {
			switch o.key() {
			case "id":
				send.ID = o.text()
			case "cid":
				send.CID = o.text()
			case "to":
				send.To = presence.AccountID(o.text())
			case "text":
				send.Text = o.text()
			case "ttl_ms":
				send.TTL = o.integer()
			case "urgent":
				send.Urgent = o.boolean()
			default:
				return nil, head, false
			}
		}
		return send, Head{Type: "send", ID: send.ID}, o.ok
	}
	return nil, head, false
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

// text reads a string without escapes.
func (o *flatObject) text() string {
	o.skip(`"`)
	for i := 0; o.ok && i < len(o.rest); i++ {
		switch c := o.rest[i]; {
		case c == '"':
			value := o.rest[:i]
			o.rest = o.rest[i+1:]
			return value
		case c == '\\' || c < ' ':
			o.ok = false
		}
	}
	o.ok = false
	return ""
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
