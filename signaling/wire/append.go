package wire

import (
	"encoding/json"
	"strconv"
	"unicode/utf8"
)

// appender is a frame that is written often. AppendFields adds its fields as
// encoding/json would, each behind a comma.
type appender interface {
	appendFields(to []byte) []byte
	size() int // about how long they are
}

func (f *Event) appendFields(to []byte) []byte {
	to = appendInt(to, "pos", f.Pos)
	to = appendString(to, "kind", f.Kind)
	if f.Message != nil {
		to = f.Message.appendTo(append(to, `,"message":`...))
	}
	if f.Receipt != nil {
		to = f.Receipt.appendTo(append(to, `,"receipt":`...))
	}
	return to
}

func (f *Event) size() int {
	if f.Message != nil {
		return 500 + len(f.Message.Text)
	}
	return 200
}

func (f *Accepted) appendFields(to []byte) []byte {
	to = appendString(to, "re", f.Re)
	to = appendString(to, "cid", f.CID)
	to = appendString(to, "conv", f.Conv)
	to = appendInt(to, "seq", f.Seq)
	to = appendString(to, "mid", f.MID)
	return appendInt(to, "time", f.Time)
}

func (f *Accepted) size() int { return 240 }

func (r *Receipt) appendTo(to []byte) []byte {
	from := len(to)
	to = appendString(to, "conv", r.Conv)
	to = appendString(to, "account", string(r.Account))
	to = appendIntIf(to, "delivered", r.Delivered)
	to = appendIntIf(to, "read", r.Read)
	to = appendStringIf(to, "played", r.Played)
	return object(to, from)
}

func (m *Message) appendTo(to []byte) []byte {
	from := len(to)
	to = appendString(to, "mid", m.MID)
	to = appendString(to, "conv", m.Conv)
	to = appendInt(to, "seq", m.Seq)
	to = appendString(to, "with", string(m.With))
	to = appendString(to, "from", string(m.From))
	to = appendStringIf(to, "device", string(m.Device))
	to = appendStringIf(to, "cid", m.CID)
	to = appendString(to, "kind", m.Kind)
	to = appendStringIf(to, "text", m.Text)
	if m.Voice != nil {
		to = appendValue(to, "voice", m.Voice)
	}
	if m.Call != nil {
		to = appendValue(to, "call", m.Call)
	}
	to = appendTrueIf(to, "played", m.Played)
	to = appendInt(to, "time", m.Time)
	to = appendIntIf(to, "expires", m.Expires)
	to = appendTrueIf(to, "urgent", m.Urgent)
	to = appendTrueIf(to, "draft", m.Draft)
	to = appendStringIf(to, "app", m.App)
	if m.Forwarded != nil {
		to = appendValue(to, "forwarded", m.Forwarded)
	}
	to = appendStringIf(to, "comment", m.Comment)
	to = appendStringIf(to, "folder", string(m.Folder))
	to = appendIntIf(to, "binned", m.Binned)
	to = appendIntIf(to, "resume_ms", m.Resume)
	to = appendStringIf(to, "gone", string(m.Gone))
	return object(to, from)
}

// object makes an object of the fields that begin at from, of which there is
// at least one.
func object(to []byte, from int) []byte {
	to[from] = '{' // was a comma
	return append(to, '}')
}

func appendName(to []byte, name string) []byte {
	to = append(to, `,"`...)
	to = append(to, name...)
	return append(to, `":`...)
}

func appendInt(to []byte, name string, value int64) []byte {
	return strconv.AppendInt(appendName(to, name), value, 10)
}

func appendIntIf(to []byte, name string, value int64) []byte {
	if value == 0 {
		return to
	}
	return appendInt(to, name, value)
}

func appendTrueIf(to []byte, name string, value bool) []byte {
	if !value {
		return to
	}
	return append(appendName(to, name), "true"...)
}

func appendStringIf(to []byte, name, value string) []byte {
	if value == "" {
		return to
	}
	return appendString(to, name, value)
}

func appendString(to []byte, name, value string) []byte {
	from := len(to)
	to = append(appendName(to, name), '"')
	ascii, done := true, 0
	for i := range len(value) {
		switch c := value[i]; {
		case c == '\n', c == '\r', c == '"', c == '\\':
			to = append(append(to, value[done:i]...), '\\', letter[c])
			done = i + 1
		case c < ' ', c == '<', c == '>', c == '&', c == 0xe2: // U+2028 and U+2029 begin with it
			return appendValue(to[:from], name, value)
		case c >= utf8.RuneSelf:
			ascii = false
		}
	}
	if !ascii && !utf8.ValidString(value) {
		return appendValue(to[:from], name, value)
	}
	return append(append(to, value[done:]...), '"')
}

// letter is how some are escaped.
var letter = [256]byte{'\n': 'n', '\r': 'r', '"': '"', '\\': '\\'}

// appendValue is for what is rare, and for what encoding/json escapes otherwise.
func appendValue(to []byte, name string, value any) []byte {
	data, err := json.Marshal(value)
	if err != nil {
		panic(err) // strings, numbers and bytes only
	}
	return append(appendName(to, name), data...)
}
