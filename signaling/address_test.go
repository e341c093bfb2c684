package signaling

import "testing"

func TestParcels(t *testing.T) {
	for _, to := range []address{
		{}, {Device: "d"}, {Except: "x"}, {Head: 1 << 62, Cause: "deleted", Until: -1}, {Device: "d", Out: true},
	} {
		for _, frame := range []string{"", "{}", "{\n\t}\n"} {
			got, rest, err := openParcel(to.parcel([]byte(frame)))
			if got != to || string(rest) != frame || err != nil {
				t.Errorf("%+v with %q came as %+v with %q, %v", to, frame, got, rest, err)
			}
		}
	}
	for _, parcel := range []string{"", "\n{}", "\t\t0\t\t0\tfalse", "\t\t0\t\t0\n", "\t\t0\t\t0\tfalse\t\n", "\t\tx\t\t0\tfalse\n", "\t\t0\t\t0\t\n"} {
		if a, _, err := openParcel([]byte(parcel)); err == nil {
			t.Errorf("%q was opened as %+v", parcel, a)
		}
	}
}
