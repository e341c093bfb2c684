package bus

import "testing"

func TestDeliversToItsSubscribersOnly(t *testing.T) {
	b := New(nil)
	var got []string
	cancel := b.Subscribe("a", func(data []byte) { got = append(got, string(data)) })
	b.Subscribe("b", func([]byte) { t.Error("delivered to another subject") })
	b.Publish("a", []byte("one"))
	cancel()
	b.Publish("a", []byte("two"))
	if len(got) != 1 || got[0] != "one" {
		t.Fatalf("got %q, want [one]", got)
	}
}

func TestChaosLosesRepeatsAndReorders(t *testing.T) {
	b := New(NewChaos(7, 0.1, 0.1, 0.1))
	var got []byte
	b.Subscribe("a", func(data []byte) { got = append(got, data[0]) })
	for i := range 200 {
		b.Publish("a", []byte{byte(i)})
	}
	count := map[byte]int{}
	disordered := false
	for i, v := range got {
		count[v]++
		disordered = disordered || i > 0 && v < got[i-1]
	}
	repeated := false
	for _, n := range count {
		repeated = repeated || n > 1
	}
	if len(count) == 200 || !repeated || !disordered {
		t.Fatalf("200 published: %d distinct arrived, repeated %v, reordered %v; chaos did nothing", len(count), repeated, disordered)
	}
}
